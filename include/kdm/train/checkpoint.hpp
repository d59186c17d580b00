/// Checkpoints: everything a run needs to go on, in one safetensors file.
#pragma once

#include <charconv>
#include <filesystem>
#include <string>
#include <utility>

#include "kdm/io/safetensors.hpp"
#include "kdm/io/safetensors_save.hpp"
#include "kdm/io/weights.hpp"
#include "kdm/train/trainer.hpp"

namespace kdm {

/// Writes the state of a run. `configuration` is any text that a resumed run has to repeat.
///
/// The bytes are a function of the state alone: two runs that agree give the same file.
/// Throws.    io_error; numeric_error for a number that is not finite. An older checkpoint of that name then stays.
template <class T>
void save_checkpoint(const std::filesystem::path& path, const training_state<T>& s, std::string configuration = {}) {
  for (const matrix<T>* m : {&s.weights, &s.average, &s.slots}) io::require_finite_to_write<T>(path, m->view());
  io::save_safetensors(path,
                       {{"weights", s.weights.view()}, {"average", s.average.view()}, {"slots", s.slots.view()}},
                       {{"step", concat(s.step)}, {"configuration", std::move(configuration)}});
}

/// Reads what save_checkpoint wrote.
///
/// Throws.    io_error naming the file: not a checkpoint, made with another configuration, or weights that are not
///            of this type.
template <class T>
training_state<T> load_checkpoint(const std::filesystem::path& path, const std::string& configuration = {}) {
  const io::safetensors file = io::load_safetensors(path);
  const auto text = [&](const char* key) -> const std::string& {
    const auto place = file.metadata().find(key);
    if (place == file.metadata().end()) fail<io_error>(file.file(), ": no '", key, "' in it, expected a checkpoint");
    return place->second;
  };
  if (text("configuration") != configuration)
    fail<io_error>(file.file(), ": was made with another configuration, expected that of this run");
  training_state<T> s;
  const std::string& step = text("step");
  const auto end = std::from_chars(step.data(), step.data() + step.size(), s.step);
  if (end.ec != std::errc() || end.ptr != step.data() + step.size() || s.step < 0)
    fail<io_error>(file.file(), ": the step is '", step, "', expected a number");
  const auto get = [&](const char* name) {
    const auto& shape = file.entry(name).shape;
    const std::string dtype = sizeof(T) == 4 ? "F32" : "F64";
    if (shape.size() != 2 || file.entry(name).dtype != dtype)
      fail<io_error>(file.file(), ": tensor ", name, " is ", file.entry(name).dtype, " ", io::shape_text(shape),
                     ", expected a matrix of ", dtype);
    matrix<T> m(shape[0], shape[1]);
    file.copy_to(name, m.view());
    return m;
  };
  file.require({{"weights", file.entry("weights").shape},
                {"average", file.entry("average").shape},
                {"slots", file.entry("slots").shape}});
  s.weights = get("weights");
  s.average = get("average");
  s.slots = get("slots");
  return s;
}

/// A callback that writes a checkpoint every so many steps; in trainer.run it stands behind those that change weights.
/// The caller writes the one at the end of a run, however
/// it ends, with save_checkpoint.
class checkpoint_every {
 public:
  checkpoint_every(index_t steps, std::filesystem::path path, std::string configuration = {})
      : steps_(steps), path_(std::move(path)), configuration_(std::move(configuration)) {
    if (steps < 1) fail<option_error>("checkpoint_every: ", steps, " steps, expected at least 1");
  }

  template <class Trainer>
  void operator()(Trainer& t, const step_report& r) const {
    if (r.step % steps_ == 0 && r.step != r.steps) kdm::save_checkpoint(path_, t.state(), configuration_);
  }

 private:
  index_t steps_;
  std::filesystem::path path_;
  std::string configuration_;
};

}  // namespace kdm
