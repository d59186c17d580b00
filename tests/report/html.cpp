// Base64, escaping and the page as a whole.
#include <doctest/doctest.h>

#include <string>

#include "kdm/report/html.hpp"
#include "support.hpp"

namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("base64: the vectors of RFC 4648 section 10") {
  CHECK(kdm::base64("") == "");
  CHECK(kdm::base64("f") == "Zg==");
  CHECK(kdm::base64("fo") == "Zm8=");
  CHECK(kdm::base64("foo") == "Zm9v");
  CHECK(kdm::base64("foob") == "Zm9vYg==");
  CHECK(kdm::base64("fooba") == "Zm9vYmE=");
  CHECK(kdm::base64("foobar") == "Zm9vYmFy");
}

TEST_CASE("base64: high bytes and zeros") {
  CHECK(kdm::base64(std::string("\xff\xff\xff", 3)) == "////");
  CHECK(kdm::base64(std::string("\xfb\xef\xbe", 3)) == "++++");
  CHECK(kdm::base64(std::string("\0\0", 2)) == "AAA=");
}

TEST_CASE("html_escaped: nothing of the text becomes markup") {
  CHECK(kdm::html_escaped("<a href=\"x\">'&amp;'") == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;amp;&#39;");
  CHECK(kdm::html_escaped("é λ₁\n\t") == "é λ₁\n\t");
  CHECK(kdm::html_escaped(std::string("a\0b\x1b", 4)) == "a b ");
}

TEST_CASE("rounded: significant digits") {
  CHECK(kdm::rounded(0.0123456) == "0.01235");
  CHECK(kdm::rounded(1234567, 3) == "1.23e+06");
  CHECK(kdm::rounded(-2) == "-2");
}

TEST_CASE("html_report: hostile text stays text wherever it enters") {
  const kdm_test::temporary_folder folder;
  const std::string png = std::string("\x89PNG\r\n\x1a\n") + "rest";
  kdm_test::write_bytes(folder / "a.png", png);
  const std::string bad = "</td><script>alert(1)</script>\" onerror='x";
  kdm::html_report report(bad);
  report.section(bad).paragraph(bad).preformatted(bad).table({{bad, bad}}).table({bad}, {{bad}});
  report.picture(folder / "a.png", bad);
  const std::string text = report.text();
  CHECK_FALSE(has(text, "<script"));
  CHECK_FALSE(has(text, "\" onerror"));
  CHECK(count(text, kdm::html_escaped(bad)) == 11);  // title twice, caption twice, once in each of the seven others
  CHECK(has(text, "src=\"data:image/png;base64," + kdm::base64(png) + "\""));
}

TEST_CASE("html_report: one file without outside references") {
  const kdm_test::temporary_folder folder;
  kdm::html_report report("Checkerboard");
  report.section("Numbers").table({"set", "SW2"}, {{"student", "0.1"}, {"teacher", "0.2"}});
  report.save(folder / "report.html");
  const std::string text = kdm_test::read_bytes(folder / "report.html");
  CHECK(text == report.text());
  CHECK(text.starts_with("<!DOCTYPE html>"));
  CHECK_FALSE(has(text, "http"));
  CHECK_FALSE(has(text, "url("));
  CHECK(count(text, "<tr>") == 3);
  CHECK(has(text, "prefers-color-scheme: dark"));
}

TEST_CASE("html_report: refuses what is no picture and rows of another length") {
  const kdm_test::temporary_folder folder;
  kdm_test::write_bytes(folder / "text.png", "not a picture");
  kdm::html_report report("x");
  const std::string before = report.text();
  CHECK(has(kdm_test::message_of<kdm::io_error>([&] { report.picture(folder / "text.png", "c"); }), "text.png"));
  CHECK_THROWS_AS(report.picture(folder / "missing.png", "c"), kdm::io_error);
  CHECK_THROWS_AS(report.table({"a", "b"}, {{"1", "2"}, {"1"}}), kdm::shape_error);
  CHECK(report.text() == before);
  CHECK_THROWS_AS(report.save(folder / "no" / "such.html"), kdm::io_error);
}
