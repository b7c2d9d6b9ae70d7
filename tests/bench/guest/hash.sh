# hash.sh KIB: message digests of so many KiB.
head -c "$1"k /bench/corpus >/tmp/part
for digest in md5 sha1 sha256 sha512 sha3-256 blake2s256; do openssl dgst -r -$digest /tmp/part; done
rm /tmp/part
