# compile.sh FILES: the C compiler proper compiles so many of the benchmark's own programs.
left=$1
while [ "$left" -gt 0 ]; do
    for source in /bench/source/*.i; do
        cc1 -quiet -fpreprocessed -O2 -m32 -march=i686 -msse2 -fno-stack-protector "$source" -o - || exit 1
        left=$((left - 1))
        [ "$left" -gt 0 ] || break
    done
done
