# rsa.sh SIGNATURES: so many signatures of different messages with one RSA key of 2048 bits.
i=0
while [ $i -lt "$1" ]; do
    echo "message $i" | openssl dgst -sha256 -sign /bench/rsa.pem | tail -c 16
    i=$((i + 1))
done
