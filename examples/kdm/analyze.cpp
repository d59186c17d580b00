// kdm analyze: pictures of a student, and one page that shows them.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <complex>
#include <iostream>

#include "commands.hpp"
#include "evaluation.hpp"
#include "kdm/fit/spectrum.hpp"
#include "kdm/nn/summary.hpp"
#include "kdm/report/report.hpp"
#include "kdm/teacher/box_mixture.hpp"
#include "provenance.hpp"
#include "training_log.hpp"

namespace kdm_command {

namespace {

/// The training log as curves (the losses, and what held-out pairs say), and the seconds that it took.
struct training_curves {
  std::vector<kdm::curve> curves;
  double seconds = -1;
};

training_curves read_curves(const std::filesystem::path& log) {
  training_curves result;
  auto& curves = result.curves;
  const training_log lines = read_training_log(log);
  if (lines.torn > 0)
    std::cerr << log.string() << ": " << lines.torn << " torn line" << (lines.torn > 1 ? "s" : "") << " left out\n";
  double before = 0, last = 0;  // seconds count anew in each part of a run
  for (const auto& [text, values, step] : lines.lines) {
    for (const auto& item : values.items()) {
      if (!item.value().is_number()) kdm::fail<kdm::io_error>(log.string(), ": ", text, ": expected numbers");
      const double value = item.value().get<double>();
      if (item.key() == "seconds") {
        if (value < last) before += last;
        last = value;
        result.seconds = before + last;
      }
      if (item.key() == "step" || item.key() == "seconds" || item.key() == "learning_rate") continue;
      if (item.key() == "held_out_standard_error") continue;
      std::string name = item.key() == "held_out_sliced_wasserstein_2" ? "held out sliced Wasserstein-2" : item.key();
      std::replace(name.begin(), name.end(), '_', ' ');
      auto place = std::find_if(curves.begin(), curves.end(), [&](const auto& c) { return c.name == name; });
      if (place == curves.end()) place = curves.insert(place, {name, {}, {}});
      place->x.push_back(step);
      place->y.push_back(value);
    }
  }
  return result;
}

/// Where the second phase of a trained student began, within its steps.
std::vector<kdm::axis_mark> phases_of(const json& configuration) {
  if (!configuration.contains("objective") || !configuration.contains("training")) return {};
  const double from = configuration["objective"].value("prediction_from", 1.);
  const double steps = configuration["training"].value("steps", 0.);
  if (!(from > 0 && from < 1) || !(steps > 0)) return {};
  return {{"second phase", std::round(from * steps)}};
}

/// Height and width of "8x8", 0 and 0 of an empty text.
///
/// Throws.    option_error unless it is of that form and a sample has so many numbers.
std::pair<index_t, index_t> image_size(const std::string& text, index_t numbers) {
  if (text.empty()) return {0, 0};
  index_t height = 0, width = 0;
  const char *const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, height);
  const auto second = first.ptr != end && *first.ptr == 'x' ? std::from_chars(first.ptr + 1, end, width) : first;
  const bool sizes = first.ec == std::errc() && second.ec == std::errc() && second.ptr == end && height >= 1 &&
                     height <= 4096 && width >= 1 && width <= 4096;
  if (!sizes)
    kdm::fail<kdm::option_error>("--image is '", text, "', expected HEIGHTxWIDTH of 1 to 4096 each, such as 8x8");
  if (height * width != numbers)
    kdm::fail<kdm::option_error>("--image ", text, ": has ", height * width, " numbers, expected ", numbers,
                                 ", what a sample of the model has");
  return {height, width};
}

/// Teacher and student in one picture: images, the plane, or the plane in which the teacher's data spread most.
void add_samples(kdm::html_report& page, const std::filesystem::path& png, std::pair<index_t, index_t> image,
                 kdm::const_view<scalar> teacher, kdm::const_view<scalar> student) {
  if (image.first > 0) {
    kdm::images_picture(png, "Samples from the same noise", {{"teacher", teacher}, {"student", student}},
                        {.height = image.first, .width = image.second});
    page.picture(png, "The teacher's samples (many steps) above the student's (one step), both from the same noise.");
    return;
  }
  std::string what = "Density of the teacher's samples (many steps) and of the student's (one step), both started from "
                     "the same noise.";
  if (teacher.cols == 2) {
    kdm::pair_picture(png, "Samples from the same noise", {{"teacher", teacher}, {"student", student}});
  } else {
    const kdm::principal_components plane = kdm::principal_components_of(teacher);
    const auto label = [&](std::size_t k) {
      return kdm::concat("principal component ", k + 1, ", ", kdm::rounded(100 * plane.shares[k], 3), " % of the variance");
    };
    kdm::pair_picture(png, "Samples from the same noise",
                      {{"teacher", plane.coordinates(teacher)}, {"student", plane.coordinates(student)}},
                      {.x_label = label(0), .y_label = label(1)});
    what += kdm::concat(" The plane is that of the first two principal components of the teacher's samples, which hold ",
                        kdm::rounded(100 * (plane.shares[0] + plane.shares[1]), 3), " % of their variance.");
  }
  page.picture(png, what);
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
  const auto image = image_size(o.image, s.data_dimension());
  const auto pairs = load_pairs_for(s, o.pairs);
  const evaluation e = measure(s, pairs, o.support, o.compute);
  mine.make();
  remove_files(o.out, page_files);
  const auto file = [&](const char* name) { return o.out / name; };

  const kdm::affine_map affine = s.koopman();
  const bool takes_bias = s.visit([](const auto& m) { return m.koopman.takes_bias(); });
  const index_t step_size = s.visit([](const auto& m) { return m.step().size(); });

  const training_curves log = is_there(folder.log()) ? read_curves(folder.log()) : training_curves();

  kdm::html_report page("Koopman distillation");
  page.table(provenance(folder, o.command, log.seconds, pairs));
  page.paragraph(kdm::concat("A one-step student of a diffusion teacher: x_0 = D(C E(x_T)), with two encoders, ",
                             takes_bias ? "an affine" : "a linear", " Koopman operator of dimension ",
                             affine.a.rows(), " and a decoder, ", s.weights.size(), " weights in all, ", step_size,
                             " of them at sampling. Compared on ", e.pairs,
                             " pairs that training has not seen."));
  page.table(kdm_command::rows_of(e));
  page.paragraph(reading_of(e));

  if (s.data_dimension() >= 2 || image.first > 0) {
    page.section("Teacher and student");
    add_samples(page, file("samples.png"), image, pairs.x0.view(), e.samples.view());
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

  if (!log.curves.empty()) {
    const auto marks = phases_of(s.configuration);
    kdm::curves_picture(file("training.png"), "Training", log.curves, {.y_label = "loss", .marks = marks});
    page.section("Training");
    page.picture(file("training.png"),
                 kdm::concat("Terms of the loss, their weighted sum, and the pair error and the distance on held-out pairs.",
                             marks.empty() ? "" : " At the mark the latent noise leaves and the prediction term comes: the "
                                                  "sum jumps by its factor."));
  }
  page.section("Configuration");
  page.preformatted(s.configuration.dump(2));
  page.section("Tensors");
  page.preformatted(s.visit([](const auto& m) { return kdm::summary<scalar>(m); }));
  page.save(file("report.html"));
  std::cout << "wrote " << file("report.html").string() << '\n';
}

}  // namespace kdm_command
