# compress.sh TOOL BYTES: compresses so much of the corpus, unpacks it again, compares. Through a
# pipe, because gzip would pack the time of a file.
head -c "$2" /bench/corpus >/tmp/plain
cat /tmp/plain | "/usr/bin/$1" -c >/tmp/packed
cat /tmp/packed
"/usr/bin/$1" -dc </tmp/packed | cmp - /tmp/plain && echo same
rm /tmp/plain /tmp/packed
