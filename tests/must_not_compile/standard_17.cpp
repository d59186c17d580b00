// expect: ^(In file included from[^\n]*\n|  +from[^\n]*\n)*[^\n]*config.hpp:[0-9:]+ error: (#error )?"kdm needs C[+][+]20
// lines: 15
// standard: c++17
// The first error names the standard, and nothing follows that would drown it.
#include <kdm/kdm.hpp>

int main() {}
