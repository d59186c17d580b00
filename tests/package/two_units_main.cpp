// Every header twice, here in alphabetical order; two_units_other.cpp has them in the reverse order. A function that is
// not inline is a duplicate symbol at link time, and a header that leans on its predecessors does not compile.
#include "forward.inc"
#include "forward.inc"

int other_unit();

int main() { return other_unit(); }
