# cipher.sh KIB: so many KiB encrypted by several ciphers, and digests of what came out.
head -c "$1"k /bench/corpus >/tmp/part
key=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
for cipher in aes-256-cbc aes-128-ctr chacha20 camellia-128-cbc; do
    size=32
    case $cipher in *128*) size=16 ;; esac
    openssl enc -$cipher -K "$(echo $key | cut -c 1-$((size * 2)))" -iv 0f0e0d0c0b0a09080706050403020100 \
        -in /tmp/part -out /tmp/secret
    openssl dgst -r -md5 /tmp/secret
done
rm /tmp/part /tmp/secret
