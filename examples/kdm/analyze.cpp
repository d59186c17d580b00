// kdm analyze: pictures of a student, and one page that shows them.
#include <algorithm>
#include <complex>
#include <iostream>

#include "commands.hpp"
#include "evaluation.hpp"
#include "kdm/fit/spectrum.hpp"
#include "kdm/nn/summary.hpp"
#include "kdm/report/report.hpp"
#include "kdm/teacher/box_mixture.hpp"
#include "training_log.hpp"

namespace kdm_command {

namespace {

/// The first two coordinates: what a picture of the plane can show.
kdm::matrix<scalar> plane(kdm::const_view<scalar> x) { return kdm::matrix<scalar>(x.col_range(0, 2)); }

/// The training log as curves: the losses, and the error on held-out pairs.
std::vector<kdm::curve> training_curves(const std::filesystem::path& log) {
  std::vector<kdm::curve> curves;
  const training_log lines = read_training_log(log);
  if (lines.torn > 0)
    std::cerr << log.string() << ": " << lines.torn << " torn line" << (lines.torn > 1 ? "s" : "") << " left out\n";
  for (const auto& [text, values, step] : lines.lines) {
    for (const auto& item : values.items()) {
      if (item.key() == "step" || item.key() == "seconds" || item.key() == "learning_rate") continue;
      std::string name = item.key();
      std::replace(name.begin(), name.end(), '_', ' ');
      auto place = std::find_if(curves.begin(), curves.end(), [&](const auto& c) { return c.name == name; });
      if (place == curves.end()) place = curves.insert(place, {name, {}, {}});
      if (!item.value().is_number())
        kdm::fail<kdm::io_error>(log.string(), ": ", text, ": expected numbers");
      place->x.push_back(step);
      place->y.push_back(item.value().get<double>());
    }
  }
  return curves;
}

/// What the operator is like, in words and numbers.
std::vector<std::pair<std::string, std::string>> rows_of(const kdm::spectrum_result& s) {
  const auto strong = std::count_if(s.singular_values.begin(), s.singular_values.end(),
                                    [&](double x) { return x > 0.01 * s.norm(); });
  const auto outside = std::count_if(s.eigenvalues.begin(), s.eigenvalues.end(),
                                     [](std::complex<double> z) { return std::abs(z) > 1; });
  return {{"dimension", kdm::concat(s.eigenvalues.size())},
          {"spectral radius", kdm::rounded(s.radius(), 3)},
          {"eigenvalues outside the unit circle", kdm::concat(outside)},
          {"largest singular value", kdm::rounded(s.norm(), 3)},
          {"singular values above 1 % of it", kdm::concat(strong)}};
}

}  // namespace

void analyze(const analyze_options& o) {
  output_folder mine(o.out);
  const model_folder folder{o.model};
  const student s = load_student(folder);
  const auto pairs = load_pairs_for(s, o.pairs);
  const evaluation e = measure(s, pairs, o.support, o.compute);
  mine.make();
  remove_files(o.out, page_files);
  const auto file = [&](const char* name) { return o.out / name; };

  const kdm::affine_map affine = s.koopman();
  const bool takes_bias = s.visit([](const auto& m) { return m.koopman.takes_bias(); });
  const index_t step_size = s.visit([](const auto& m) { return m.step().size(); });

  kdm::html_report page("Koopman distillation");
  page.paragraph(kdm::concat("A one-step student of a diffusion teacher: x_0 = D(C E(x_T)), with two encoders, a ",
                             takes_bias ? "affine" : "linear", " Koopman operator of dimension ",
                             affine.a.rows(), " and a decoder, ", s.weights.size(), " weights in all, ", step_size,
                             " of them at sampling. Compared on ", e.pairs,
                             " pairs that training has not seen."));
  page.table(kdm_command::rows_of(e));
  page.paragraph(reading_of(e));

  if (s.data_dimension() >= 2) {
    page.section("Teacher and student");
    const kdm::matrix<scalar> teacher = plane(pairs.x0.view()), student = plane(e.samples.view());
    kdm::pair_picture(file("samples.png"), "Samples from the same noise", {{"teacher", teacher}, {"student", student}});
    page.picture(file("samples.png"), "Density of the teacher's samples (many steps) and of the student's (one step), "
                                      "both started from the same noise.");
  }
  kdm::histogram_picture(file("pair_errors.png"), "How far a sample is from its teacher's",
                         kdm::pair_distances(e.samples, pairs.x0),
                         {.marks = {{"median", e.errors.median_distance}, {"half the spread", 0.5 * e.errors.spread}}});
  page.picture(file("pair_errors.png"), "Distance between the student's and the teacher's sample for the same noise.");

  if (o.support == "checkerboard") {
    const auto board = kdm::checkerboard<scalar>();
    std::vector<int> cells;
    for (index_t i = 0; i < e.pairs; ++i) cells.push_back(int(board.box_of(e.samples.view().row_pointer(i), scalar(0))));
    kdm::noise_structure_picture(file("noise_structure.png"), "Noise, coloured by the cell of its sample",
                                 pairs.xT, cells, {.outlier_name = "outside"});
    page.section("Structure of the noise");
    page.picture(file("noise_structure.png"),
                 "Every point is a noise vector x_T, coloured by the cell in which the student's sample falls; black "
                 "where it falls outside all of them, which happens at the borders between regions.");
  }

  const kdm::spectrum_result spectrum = kdm::spectrum(affine.a.view());
  kdm::spectrum_picture(file("spectrum.png"), "Eigenvalues of the Koopman operator", spectrum.eigenvalues);
  page.section("The Koopman operator");
  page.table(rows_of(spectrum));
  page.picture(file("spectrum.png"), "Eigenvalues of the operator's matrix in the complex plane, with the unit circle.");
  kdm::curve eigenvalues{"magnitudes of the eigenvalues", {}, {}}, singular{"singular values", {}, {}};
  for (std::size_t k = 0; k < spectrum.eigenvalues.size(); ++k) {
    eigenvalues.x.push_back(double(k + 1));
    eigenvalues.y.push_back(std::abs(spectrum.eigenvalues[k]));
    singular.x.push_back(double(k + 1));
    singular.y.push_back(spectrum.singular_values[k]);
  }
  kdm::curves_picture(file("operator.png"), "How many directions the operator uses", {singular, eigenvalues},
                      {.x_label = "rank", .y_label = "magnitude"});
  page.picture(file("operator.png"), "Singular values and magnitudes of the eigenvalues, largest first: what falls off "
                                     "steeply is a direction of the latent space that the operator does not need.");

  if (is_there(folder.log())) {
    const auto curves = training_curves(folder.log());
    if (!curves.empty()) {
      kdm::curves_picture(file("training.png"), "Training", curves, {.y_label = "loss"});
      page.section("Training");
      page.picture(file("training.png"), "Terms of the loss, their weighted sum, and the pair error on held-out pairs.");
    }
  }
  page.section("Configuration");
  page.preformatted(s.configuration.dump(2));
  page.section("Tensors");
  page.preformatted(s.visit([](const auto& m) { return kdm::summary<scalar>(m); }));
  page.save(file("report.html"));
  std::cout << "wrote " << file("report.html").string() << '\n';
}

}  // namespace kdm_command
