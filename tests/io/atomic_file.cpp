// Files appear whole or not at all.
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>
#include <vector>

#include "files.hpp"
#include "kdm/io/atomic_file.hpp"
#include "kdm/io/folder_lock.hpp"
#include "kdm/io/input.hpp"
#include "kdm/io/npy.hpp"
#include "kdm/io/temporary.hpp"

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

TEST_CASE("atomic_file: the longest names are written and longer ones refused before any work") {
  const temporary_folder folder;
  for (const std::size_t length : {243u, 244u, 246u, 250u, 255u}) {
    const std::string name = std::string(length - 4, 'a') + ".npy";
    write_file(folder / name, "new");
    CHECK(read_bytes(folder / name) == "new");
  }
  CHECK(files_in(folder.path()) == 5);
  check_message([&] { atomic_file file(folder / std::string(256, 'a')); }, {"aaa: cannot create: File name too long"});
}

TEST_CASE("atomic_file: a link whose file is gone leads to the new one") {
  const temporary_folder folder;
  fs::create_directories(folder / "real");
  fs::create_symlink(folder / "real/a", folder / "link");
  fs::create_symlink("link", folder / "second");  // relative, over another link
  fs::create_symlink("../outside", folder / "real/up");
  fs::create_directory_symlink(folder / "real", folder / "linked_folder");
  write_file(folder / "second", "new");
  CHECK(fs::read_symlink(folder / "second") == "link");
  CHECK(fs::read_symlink(folder / "link") == folder / "real/a");
  CHECK(read_bytes(folder / "real/a") == "new");
  write_file(folder / "linked_folder/up", "outside");
  CHECK(fs::is_symlink(folder / "real/up"));
  CHECK(read_bytes(folder / "outside") == "outside");
  CHECK(files_in(folder / "real") == 2);

  fs::create_symlink(folder / "cleaned/away", folder / "lost");
  check_message([&] { write_file(folder / "lost", "x"); },
                {"/lost (a link to " + (folder / "cleaned/away").string() + "): cannot create: No such file"});
  fs::create_symlink("loop2", folder / "loop1");
  fs::create_symlink("loop1", folder / "loop2");
  check_message([&] { write_file(folder / "loop1", "x"); }, {"/loop1: cannot write: Too many levels of symbolic links"});
}

TEST_CASE("temporary files: what a killed process leaves is cleared and what a living one needs is not") {
  const temporary_folder folder;
  const auto start = [&](bool handler) {
    const pid_t child = ::fork();
    if (child != 0) {
      while (files_in(folder.path()) < 2) std::this_thread::yield();
      return child;
    }
    if (handler)
      std::signal(SIGTERM, [](int signal) {
        kdm::io::remove_temporaries();
        std::signal(signal, SIG_DFL);
        ::raise(signal);
      });
    atomic_file first(folder / "a"), second(folder / "b");
    for (;;) ::pause();
  };
  const auto end = [](pid_t child, int signal) {
    int status = 0;
    ::kill(child, signal);
    ::waitpid(child, &status, 0);
    CHECK((WIFSIGNALED(status) && WTERMSIG(status) == signal));
  };
  const pid_t killed = start(false);
  kdm::io::remove_leftovers(folder.path());
  CHECK(files_in(folder.path()) >= 1);  // the second may just not have been locked
  end(killed, SIGKILL);
  CHECK(files_in(folder.path()) >= 1);
  write_bytes(folder / "kdm-notes", "of the user");
  fs::create_directory(folder / "kdm-tmp-folder");
  kdm::io::remove_leftovers(folder.path());
  CHECK(files_in(folder.path()) == 2);
  fs::remove(folder / "kdm-notes");
  fs::remove(folder / "kdm-tmp-folder");

  end(start(true), SIGTERM);
  CHECK(files_in(folder.path()) == 0);
}

TEST_CASE("folder_lock: one owner at a time and none after a kill") {
  const temporary_folder folder;
  const auto message = [&] { return message_of<kdm::io_error>([&] { kdm::io::folder_lock lock(folder.path()); }); };
  const std::string none = "(nothing of that type was thrown)";
  {
    kdm::io::folder_lock lock(folder.path());
    CHECK(message() == folder.path().string() + ": another run is writing there, expected a folder of one run at a time");
  }
  CHECK(message() == none);
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    kdm::io::folder_lock lock(folder.path());
    (void)!::write(ready[1], "x", 1);
    for (;;) ::pause();
  }
  char byte;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  CHECK(message() != none);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK(message() == none);
  ::close(ready[0]), ::close(ready[1]);
  CHECK(files_in(folder.path()) == 0);
  check_message([&] { kdm::io::folder_lock lock(folder / "missing"); }, {"missing: cannot open the folder: No such file"});
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
