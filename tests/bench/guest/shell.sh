# shell.sh TURNS: arithmetic, strings, functions, subshells and small programs in a loop.
sum=0
add() { sum=$(((sum * 31 + $1) & 0xFFFFFF)); }
i=0
while [ $i -lt "$1" ]; do
    i=$((i + 1))
    word=turn-$i
    case ${word#turn-} in
    *[02468]) add $i ;;
    *) add ${#word} ;;
    esac
    for part in a bb ccc $word; do add ${#part}; done
    if [ $((i % 5)) = 0 ]; then add "$(echo $word | tr -d a-z- | cut -c 1-3)"; fi
    if [ $((i % 10)) = 0 ]; then add "$(expr $i + 1)"; fi
    if [ $((i % 20)) = 0 ]; then (add 5; exit $((sum & 63))); add $?; fi
done
echo $sum
