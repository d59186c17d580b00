/// A report as one HTML file that needs nothing else.
#pragma once

#include <charconv>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kdm/core/error.hpp"
#include "kdm/io/atomic_file.hpp"
#include "kdm/io/input.hpp"
#include "kdm/report/base64.hpp"

namespace kdm {

/// `text` so that a browser shows it literally, in an element or a quoted attribute.
inline std::string html_escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      case '\'': result += "&#39;"; break;
      default:
        // HTML has no control characters but white space.
        result += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? ' ' : c;
    }
  }
  return result;
}

/// A number for people: `digits` significant digits.
inline std::string rounded(double value, int digits = 4) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::general, digits);
  return {text, end.ptr};
}

/// Collects sections, text, tables and pictures, and saves them as one self-contained page, light or dark as the
/// reader's system wants it. All text is escaped.
///
/// Example.   kdm::html_report r("Distillation"); r.section("Errors").table({{"SW2", "0.02"}}); r.save("report.html");
class html_report {
 public:
  explicit html_report(std::string title) : title_(std::move(title)) {}

  html_report& section(std::string_view title) { return element("h2", title); }
  html_report& paragraph(std::string_view text) { return element("p", text); }
  /// Text with its line breaks, in a fixed-width font: a configuration, a log.
  html_report& preformatted(std::string_view text) { return element("pre", text); }

  /// Names and values, one pair a row.
  html_report& table(const std::vector<std::pair<std::string, std::string>>& rows) {
    body_ += "<div class=\"wide\"><table class=\"values\">\n";
    for (const auto& [name, value] : rows)
      body_ += concat("<tr><th scope=\"row\">", html_escaped(name), "</th><td>", html_escaped(value), "</td></tr>\n");
    body_ += "</table></div>\n";
    return *this;
  }

  /// A table with a heading; the first cell of a row names it.
  ///
  /// Throws.    shape_error for a row that is not as long as the heading.
  html_report& table(const std::vector<std::string>& heading, const std::vector<std::vector<std::string>>& rows) {
    std::string text = "<div class=\"wide\"><table>\n<thead><tr>";
    for (const std::string& cell : heading) text += concat("<th scope=\"col\">", html_escaped(cell), "</th>");
    text += "</tr></thead>\n";
    for (const auto& row : rows) {
      require_size("html_report: the number of cells in a table row", index_t(row.size()), index_t(heading.size()));
      text += "<tr>";
      for (std::size_t i = 0; i < row.size(); ++i)
        text += i == 0 ? concat("<th scope=\"row\">", html_escaped(row[i]), "</th>")
                       : concat("<td>", html_escaped(row[i]), "</td>");
      text += "</tr>\n";
    }
    body_ += text + "</table></div>\n";
    return *this;
  }

  /// A PNG file, copied into the page. The caption is also what is read out in its place.
  ///
  /// Throws.    io_error when the file cannot be read or is no PNG.
  html_report& picture(const std::filesystem::path& png, std::string_view caption) {
    const std::string bytes = io::read_file(png);
    if (!bytes.starts_with("\x89PNG\r\n\x1a\n"))
      fail<io_error>("html_report: ", png.string(), " does not start as a PNG file does, expected a PNG picture");
    const std::string text = html_escaped(caption);
    body_ += concat("<figure><img src=\"data:image/png;base64,", base64(bytes), "\" alt=\"", text, "\"><figcaption>",
                    text, "</figcaption></figure>\n");
    return *this;
  }

  /// The whole page.
  std::string text() const {
    const std::string title = html_escaped(title_);
    return concat("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>", title,
                  "</title>\n<style>", css(), "</style>\n</head>\n<body>\n<main>\n<h1>", title, "</h1>\n", body_,
                  "</main>\n</body>\n</html>\n");
  }

  /// Writes the page, whole or not at all.
  ///
  /// Throws.    io_error.
  void save(const std::filesystem::path& path) const { io::write_file(path, text()); }

 private:
  html_report& element(std::string_view name, std::string_view text) {
    body_ += concat("<", name, ">", html_escaped(text), "</", name, ">\n");
    return *this;
  }

  static std::string_view css() {
    return R"(
:root { color-scheme: light dark; --text: #222; --soft: #666; --line: #ddd; --page: #fff; --tint: #f6f6f6; }
@media (prefers-color-scheme: dark) {
  :root { --text: #ddd; --soft: #999; --line: #444; --page: #181818; --tint: #242424; }
}
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.55 system-ui, "DejaVu Sans", sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 0 1.5rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 0.75rem; padding-bottom: 0.25rem; border-bottom: 1px solid var(--line); }
p { max-width: 42rem; overflow-wrap: anywhere; }
pre { padding: 0.75rem 1rem; background: var(--tint); border-radius: 6px; overflow-x: auto; font-size: 0.85rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 0.75rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 1.25rem 0.3rem 0; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child { text-align: left; font-weight: normal; }
thead th { color: var(--soft); font-weight: normal; font-size: 0.9rem; }
.values td { font-weight: 600; }
figure { margin: 1.5rem 0; }
img { display: block; max-width: 100%; height: auto; background: #fff; border-radius: 6px; }
figcaption { margin-top: 0.4rem; color: var(--soft); font-size: 0.9rem; }
)";
  }

  std::string title_;
  std::string body_;
};

}  // namespace kdm
