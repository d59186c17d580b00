// expect: ^(In file included from[^\n]*\n|  +from[^\n]*\n)*[^\n]*config.hpp:[0-9:]+ error: (#error )?"kdm needs C[+][+]20
// lines: 15
// standard: c++17
#include <kdm/report/base64.hpp>

int main() {}
