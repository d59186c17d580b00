/// Files and folders as the subcommands meet them: which names belong to which run, who may write there, and every
/// question to the file system with an answer in a sentence.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>

#include "kdm/io/folder_lock.hpp"

namespace kdm_command {

/// What `kdm fit` writes into its folder, besides the two files of a student.
inline constexpr std::array fit_files{"operator.safetensors", "spectrum.json",       "eigenvalues.png",
                                      "singular_values.png",  "pseudospectrum.png", "modes.png"};

/// What `kdm analyze` writes into its folder.
inline constexpr std::array page_files{"report.html",   "samples.png",  "pair_errors.png", "noise_structure.png",
                                       "spectrum.png", "operator.png", "training.png"};

/// Whether something has that name. Throws io_error where that cannot be told.
bool is_there(const std::filesystem::path& file);

/// Removes a file where there is one. Throws io_error.
void remove_file(const std::filesystem::path& file);

template <std::size_t N>
void remove_files(const std::filesystem::path& folder, const std::array<const char*, N>& names) {
  for (const char* name : names) remove_file(folder / name);
}

/// Makes a folder (and those above it) where there is none. Throws io_error.
void make_folder(const std::filesystem::path& folder);

/// Throws io_error unless a file could be written there: to be asked before the work, not after it. Clears what killed
/// runs have left in that folder.
void require_place(const std::filesystem::path& file);

/// The folder that a run fills, for this run alone until it ends. A folder that is there is taken at once; one that is
/// not appears with make().
///
/// Throws.    io_error naming the folder, which another run may have.
class output_folder {
 public:
  explicit output_folder(const std::filesystem::path& path) : path_(path) {
    if (is_there(path)) make();
  }
  void make() {
    if (lock_) return;
    make_folder(path_);
    lock_.emplace(path_);
  }

 private:
  std::filesystem::path path_;
  std::optional<kdm::io::folder_lock> lock_;
};

}  // namespace kdm_command
