// kdm export: a trained student as a C++ header or one small file, for programs that only sample.
#include <iostream>

#include "commands.hpp"
#include "kdm/io/frozen.hpp"
#include "kdm/io/frozen_header.hpp"
#include "kdm/koopman/freeze.hpp"
#include "student.hpp"

namespace kdm_command {

namespace {

void require_free(const std::filesystem::path& file, bool overwrite) {
  if (file.empty()) return;
  require_place(file);
  if (!overwrite && is_there(file))
    kdm::fail<kdm::io_error>(file.string(), ": is there already: --overwrite replaces it");
}

}  // namespace

void export_student(const export_options& o) {
  kdm::io::require_identifier(o.name);
  require_free(o.header, o.overwrite);
  require_free(o.safetensors, o.overwrite);
  const model_folder folder{o.model};
  const student s = load_student(folder);
  const auto* model = std::get_if<student_model>(&s.model);
  if (!model)
    kdm::fail<kdm::io_error>(folder.configuration().string(),
                             ": 'kind' is \"features\", a student of kdm fit, expected a trained one of kdm distill");
  const auto parts = kdm::freeze(*model, s.weights.view(), s.prior);
  const auto say = [&](const std::filesystem::path& file) {
    std::cout << "wrote " << file.string() << ": " << parts.layers.size() << " layers of " << parts.weights.size()
              << " weights, the operator folded into the decoder\n";
  };
  if (!o.safetensors.empty()) kdm::io::save_frozen(o.safetensors, parts), say(o.safetensors);
  if (!o.header.empty()) kdm::io::save_frozen_header(o.header, parts, o.name), say(o.header);
}

}  // namespace kdm_command
