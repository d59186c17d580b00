// Files appear whole or not at all.
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <thread>
#include <vector>

#include "files.hpp"
#include "kdm/io/atomic_file.hpp"
#include "kdm/io/input.hpp"
#include "kdm/io/npy.hpp"

using namespace kdm_test;
namespace fs = std::filesystem;
using kdm::io::atomic_file;
using kdm::io::read_file;
using kdm::io::write_file;

TEST_CASE("write_file and read_file: round trip of any bytes") {
  const temporary_folder folder;
  for (const std::size_t size : {0u, 1u, 65535u, 65536u, 65537u, 300000u}) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = char(i * 31 + i / 256);
    write_file(folder / "a", bytes);
    CHECK(read_file(folder / "a") == bytes);
    CHECK(read_bytes(folder / "a") == bytes);
  }
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("atomic_file: writes of all sizes arrive in order") {
  const temporary_folder folder;
  std::string expected;
  atomic_file file(folder / "a");
  for (const std::size_t size : {1u, 0u, 70000u, 3u, 65535u, 2u, 65536u, 100u}) {
    const std::string part(size, char('a' + expected.size() % 26));
    file.write(part);
    expected += part;
  }
  CHECK(!fs::exists(folder / "a"));
  file.commit();
  CHECK(read_bytes(folder / "a") == expected);
  check_message([&] { file.commit(); }, {(folder / "a").string(), "already committed"});
}

TEST_CASE("atomic_file: without commit the old file stays and nothing is left behind") {
  const temporary_folder folder;
  write_file(folder / "a", "old");
  {
    atomic_file file(folder / "a");
    file.write("new");
    CHECK(files_in(folder.path()) == 2);
  }
  CHECK(read_bytes(folder / "a") == "old");
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("atomic_file: two writers of one target do not meet") {
  const temporary_folder folder;
  atomic_file first(folder / "a"), second(folder / "a");
  first.write("first");
  second.write("second");
  first.commit();
  CHECK(read_bytes(folder / "a") == "first");
  second.commit();
  CHECK(read_bytes(folder / "a") == "second");
  CHECK(files_in(folder.path()) == 1);

  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) write_file(folder / "b", std::string(1000, char('0' + t)));
    });
  for (auto& thread : threads) thread.join();
  const std::string bytes = read_bytes(folder / "b");
  CHECK(bytes == std::string(1000, bytes.at(0)));
  CHECK(files_in(folder.path()) == 2);
}

TEST_CASE("atomic_file: permissions and links stay") {
  const temporary_folder folder;
  write_file(folder / "a", "old");
  fs::permissions(folder / "a", fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink(folder / "a", folder / "link");
  write_file(folder / "link", "new");
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(read_bytes(folder / "a") == "new");
  CHECK(fs::status(folder / "a").permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(files_in(folder.path()) == 2);
}

TEST_CASE("atomic_file: every refusal names the path and the reason") {
  const temporary_folder folder;
  write_file(folder / "a", "old");
  check_message([&] { write_file(folder / "missing/b", "x"); }, {"missing/b", "cannot create", "No such file"});
  check_message([&] { write_file(folder / "a/b", "x"); }, {"a/b", "cannot create", "Not a directory"});
  check_message([&] { write_file(folder.path(), "x"); }, {folder.path().string(), "found a folder"});
  check_message([&] { write_file(folder / "new/", "x"); }, {"new/", "expected a file name"});
  check_message([&] { write_file("", "x"); }, {"expected a file name"});
  check_message([&] { write_file("/dev/null", "x"); }, {"/dev/null", "found a pipe or device"});
  CHECK(files_in(folder.path()) == 1);
  CHECK(read_bytes(folder / "a") == "old");
}

TEST_CASE("atomic_file: a full disk leaves the old file and nothing else") {
  const temporary_folder folder;
  const kdm::io::tensor<double> large({100, 100});
  kdm::io::save_npy(folder / "a.npy", kdm::io::tensor<double>({2}));
  const std::string old = read_bytes(folder / "a.npy");

  // A limit on the size of files stands in for the full disk.
  rlimit before;
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string message = message_of<kdm::io_error>([&] { kdm::io::save_npy(folder / "a.npy", large); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);

  CHECK(message == (folder / "a.npy").string() + ": cannot write: File too large");
  CHECK(read_bytes(folder / "a.npy") == old);
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("read_file: refuses what is not a readable file of that size") {
  const temporary_folder folder;
  write_file(folder / "a", "12345");
  CHECK(read_file(folder / "a", 5) == "12345");
  check_message([&] { read_file(folder / "a", 4); }, {"/a: found 5 bytes, expected at most 4"});
  check_message([&] { read_file(folder / "b"); }, {"/b: cannot open: No such file"});
  check_message([&] { read_file(folder.path()); }, {folder.path().string(), "found a folder, expected a file"});
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  check_message([&] { read_file(folder / "pipe"); }, {"/pipe: found a pipe or device"});
}

TEST_CASE("input_bytes and input_file: reading past the end is an error") {
  const temporary_folder folder;
  write_file(folder / "a", "12345");
  char buffer[8];
  kdm::io::input_file file(folder / "a");
  kdm::io::input_bytes bytes("12345", "memory");
  file.read(buffer, 3);
  bytes.read(buffer, 3);
  CHECK(file.remaining() == 2);
  CHECK(bytes.remaining() == 2);
  check_message([&] { file.read(buffer, 3); }, {"/a: ends after 5 bytes"});
  check_message([&] { bytes.read(buffer, 3); }, {"memory: ends after 5 bytes"});
}
