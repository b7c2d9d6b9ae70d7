# text.sh KIB: words of so many KiB of text counted, sorted and searched.
export LC_ALL=C
head -c "$1"k /bench/corpus | tr -c 'a-zA-Z_\n' ' ' >/tmp/text
mawk '{ for (i = 1; i <= NF; i++) if (length($i) > 2) count[tolower($i)]++ }
    END { for (word in count) printf "%d %s\n", count[word], substr(word, 1, 20) }' /tmp/text >/tmp/words
/usr/bin/sort -k1,1nr -k2 /tmp/words | head -n 50
/usr/bin/sort /tmp/text | /usr/bin/uniq -c | tail -n 20
/usr/bin/grep -c -E '(self|return).*[a-z]_[a-z]+ ' /tmp/text
/usr/bin/grep -i -o 'e[a-z]*ion' /tmp/text | tail -n 5
rm /tmp/text /tmp/words
