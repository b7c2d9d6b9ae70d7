# Words counted in a hash, regular expressions, sorting, string building, objects.
use strict;
use warnings;
use integer;

package Counter;
sub new { my ($class, $step) = @_; return bless {step => $step, total => 0}, $class; }
sub add { my ($self, $value) = @_; $self->{total} = ($self->{total} + $self->{step} * $value) & 0xFFFFFF; return $self; }

package main;
my $sum = 0;
my $seed = 1;
sub random { $seed = ($seed * 69069 + 1) & 0x7FFFFFFF; return $seed >> 8; }
my $counter = Counter->new(3);

for my $round (1 .. $ARGV[0]) {
    my @words = map { "w" . (random() % 97) . chr(97 + random() % 26) } 1 .. 300;
    my %count;
    $count{$_}++ for @words;
    for my $word (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count) {
        $sum = ($sum * 31 + $count{$word} * ord(substr $word, -1)) & 0xFFFFFF;
    }
    my $text = join ' ', @words;
    $sum += length $1 while $text =~ /\b(w[0-9]+[aeiou])\b/g;
    (my $other = $text) =~ s/w(\d)(\d*)([a-m])/$3-$2$1/g;
    $other =~ tr/a-m/A-M/;
    $counter->add(ord substr $other, $_ % length $other) for 1 .. 200;
    $sum = ($sum ^ $counter->{total}) & 0xFFFFFF;
    $sum += unpack("%32C*", pack("N*", map { $_ * 3 } 1 .. 50));
}
printf "%08x\n", $sum;
