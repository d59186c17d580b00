// kdm fit: a Koopman operator from pairs of snapshots, its spectrum, and a student without training.
#include "fit.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <limits>
#include <sstream>

#include "kdm/io/safetensors_save.hpp"
#include "kdm/io/trajectories.hpp"
#include "kdm/io/weights.hpp"
#include "kdm/report/html.hpp"
#include "kdm/report/pictures.hpp"
#include "kdm/report/pseudospectrum.hpp"
#include "student.hpp"

namespace kdm_command {

namespace {

/// The unit that --data-precision names.
double unit_of(const std::string& text) {
  double unit = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), unit);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size() || !(unit > 0 && std::isfinite(unit)))
    kdm::fail<kdm::option_error>("--data-precision is ", text,
                                 ", expected float32, float64, or a unit above 0 such as 1e-6");
  return unit;
}

bool of_features(const fit_options& o) { return o.method == "edmd" || o.method == "mp_edmd"; }

/// What can be told without the data.
void check(const fit_options& o) {
  if (o.rank && o.energy) kdm::fail<kdm::option_error>("--rank and --energy exclude each other");
  if (const std::string& p = o.data_precision; !p.empty() && p != "float32" && p != "float64") (void)unit_of(p);
  if (!of_features(o) && o.dictionary != "identity")
    kdm::fail<kdm::option_error>("--dictionary belongs to --method edmd and mp_edmd, --method is ", o.method);
  if (o.ridge && o.method != "edmd")
    kdm::fail<kdm::option_error>("--ridge belongs to --method edmd, --method is ", o.method);
}

/// How exactly the numbers are known: what the file holds, unless --data-precision says otherwise.
kdm::data_rounding rounding_of(const fit_options& o) {
  const std::string& text = o.data_precision;
  if (text == "float64") return kdm::data_rounding::none();
  if (text == "float32") return kdm::data_rounding::of<float>();
  kdm::io::input_file file(o.pairs);
  const bool single = kdm::io::read_npy_header(file).item_size == sizeof(float);
  const kdm::data_rounding held = single ? kdm::data_rounding::of<float>() : kdm::data_rounding();
  return text.empty() ? held : kdm::coarser(held, kdm::data_rounding::to(unit_of(text)));
}

/// Row i of y is the later state of row i of x. Rows stand by snapshot, so that n rows on is the same trajectory.
kdm::snapshot_pairs pairs_from(const fit_options& o) {
  const auto t = kdm::io::load_snapshots<double>(o.pairs);
  const bool one = t.rank() == 2;
  const index_t snapshots = t.shape()[0], n = one ? 1 : t.shape()[1], d = t.shape().back();
  if (one && !o.consecutive)
    kdm::fail<kdm::option_error>(o.pairs.string(), ": found one trajectory [", snapshots, ", ", d,
                                 "], expected --consecutive for its pairs of neighbours, or a file [snapshots, n, d]");
  if (!o.consecutive) return kdm::pairs_from_matrices(t.slice(0), t.slice(snapshots - 1), o.dt);
  const auto rows = t.as_matrix(snapshots * n, d);
  return kdm::pairs_from_matrices(rows.row_range(0, (snapshots - 1) * n), rows.row_range(n, (snapshots - 1) * n), o.dt);
}

/// JSON has no infinity.
json number(double x) { return std::isfinite(x) ? json(x) : json(); }

json to_json(const fit_options& o, const kdm::snapshot_pairs& pairs, const kdm::linear_dynamics& d) {
  const auto rates = d.growth_rates(), frequencies = d.frequencies();
  json j = {{"method", o.method},
            {"dictionary", o.dictionary},
            {"dt", d.dt},
            {"consecutive", o.consecutive},
            {"pairs", pairs.count()},
            {"states", pairs.states()},
            {"features", d.features()},
            {"rank",
             {{"rank", d.rank.rank},
              {"of", d.rank.singular_values.size()},
              {"rule", d.rank.rule},
              {"cut", number(d.rank.cut)},
              {"gap", number(d.rank.gap)}}},
            {"status", std::string(kdm::name_of(d.status))},
            {"note", d.note},
            {"warnings", d.warnings},
            {"data_precision", {{"relative", pairs.rounding.relative}, {"absolute", pairs.rounding.absolute}}},
            {"condition", number(d.condition)},
            {"eigenvector_condition", number(d.eigenvector_condition)},
            {"relative_residual", number(d.relative_residual)},
            {"singular_values", d.rank.singular_values},
            {"eigenvalues", json::array()}};
  for (std::size_t k = 0; k < d.eigenvalues.size(); ++k)
    j["eigenvalues"].push_back({{"re", d.eigenvalues[k].real()},
                                {"im", d.eigenvalues[k].imag()},
                                {"growth_rate", number(rates[k])},
                                {"frequency", number(frequencies[k])},
                                {"residual", number(d.residuals[k])}});
  return j;
}

/// Complex elements are pairs of doubles: one more dimension of size 2.
kdm::io::named_tensor complex_tensor(const char* name, const std::complex<double>* p, kdm::io::shape_t shape) {
  const auto* numbers = reinterpret_cast<const double*>(p);
  shape.push_back(2);
  return {name, kdm::const_view<double>(numbers, 1, kdm::io::element_count(shape)), shape};
}

void save_operator(const std::filesystem::path& file, const fit_options& o, const kdm::linear_dynamics& d,
                   const chosen_dictionary& dictionary) {
  const index_t r = d.latent();
  std::vector<kdm::io::named_tensor> tensors{
      {"encode", d.encode.view()},
      {"k", d.k.view()},
      {"decode", d.decode.view()},
      complex_tensor("eigenvalues", d.eigenvalues.data(), {r}),
      complex_tensor("eigenvectors", d.eigenvectors.data(), {r, r}),
      complex_tensor("modes", d.modes.data(), {r, d.states()}),
      {"residuals", kdm::const_view<double>(d.residuals.data(), 1, r), {r}}};
  if (dictionary.places.size() > 0)
    tensors.emplace_back(dictionary.kind == "rff" ? "frequencies" : "centres", dictionary.places.view());
  kdm::io::save_safetensors(file, std::move(tensors),
                            {{"method", o.method},
                             {"dictionary", o.dictionary},
                             {"dt", kdm::concat(d.dt)},
                             {"width", kdm::concat(dictionary.width)}});
}

void draw(const fit_options& o, const operator_fit& fit) {
  const auto& d = fit.dynamics;
  // What cannot be trusted at all has no finite residual.
  std::vector<double> residuals = d.residuals;
  for (double& x : residuals) x = std::isfinite(x) ? x : 1e6;
  kdm::spectrum_picture(o.out / "eigenvalues.png", "Eigenvalues, coloured by residual", d.eigenvalues, residuals);
  if (const auto& sigma = d.rank.singular_values; sigma.size() > 1 && sigma[1] > 0) {
    kdm::curve all{"singular values", {}, {}}, kept{kdm::concat("kept: ", d.rank.rank), {}, {}};
    for (std::size_t k = 0; k < sigma.size(); ++k) all.x.push_back(double(k + 1)), all.y.push_back(sigma[k]);
    kept.x.assign(2, double(d.rank.rank) + 0.5);
    kept.y = {sigma.front(), std::max(sigma.back(), 1e-17 * sigma.front())};
    kdm::curves_picture(o.out / "singular_values.png", "Singular values of the data and where they were cut", {all, kept},
                        {.x_label = "index", .y_label = "singular value"});
  }
  if (fit.tau)
    kdm::pseudospectrum_picture(o.out / "pseudospectrum.png", "Pseudospectrum", fit.tau->re, fit.tau->im, fit.tau->tau,
                                d.eigenvalues);
  if (d.states() < 2 || d.states() > 4096) return;
  std::vector<kdm::curve> modes;
  for (index_t k = 0; k < d.latent() && modes.size() < 4; ++k) {
    const auto lambda = d.eigenvalues[std::size_t(k)];
    if (lambda.imag() < 0) continue;  // the mirror image of the one before
    kdm::curve mode{kdm::concat("mode of |lambda| ", kdm::rounded(std::abs(lambda), 3)), {}, {}};
    for (index_t j = 0; j < d.states(); ++j) mode.x.push_back(double(j + 1)), mode.y.push_back(d.modes(k, j).real());
    modes.push_back(std::move(mode));
  }
  kdm::curves_picture(o.out / "modes.png", "Real parts of the leading modes", modes,
                      {.x_label = "coordinate", .y_label = "mode", .log_y = false});
}

void print(const fit_options& o, const kdm::snapshot_pairs& pairs, const kdm::linear_dynamics& d, double seconds) {
  std::cout << o.method << " of " << pairs.count() << " pairs in " << pairs.states() << " dimensions";
  if (of_features(o)) std::cout << ", " << d.features() << " features";
  std::cout << ": " << d.rank.text() << ", " << kdm::name_of(d.status) << "; relative residual "
            << kdm::rounded(d.relative_residual, 3) << ", " << kdm::rounded(seconds, 3) << " s\n";
  if (!d.note.empty()) std::cout << d.note << '\n';
  for (const std::string& warning : d.warnings) std::cout << "warning: " << warning << '\n';
  std::ostringstream table;
  const auto cell = [&](const auto& x) { table << std::setw(14) << x; };
  for (const char* name : {"|lambda|", "re", "im", "growth rate", "frequency", "residual"}) cell(name);
  table << '\n';
  const auto rates = d.growth_rates(), frequencies = d.frequencies();
  const std::size_t shown = std::min<std::size_t>(d.eigenvalues.size(), 10);
  for (std::size_t k = 0; k < shown; ++k) {
    const auto lambda = d.eigenvalues[k];
    for (const double x : {std::abs(lambda), lambda.real(), lambda.imag(), rates[k], frequencies[k], d.residuals[k]})
      cell(kdm::rounded(x, 5));
    table << '\n';
  }
  if (shown < d.eigenvalues.size()) table << "  and " << d.eigenvalues.size() - shown << " more in spectrum.json\n";
  std::cout << table.str();
}

/// A folder holds the files of one run: that of a training is not for a fit.
void require_no_training(const model_folder& folder) {
  const auto is_features = [](const json& value) {
    return value.is_object() && value.contains("kind") && value["kind"] == "features";
  };
  if (is_there(folder.checkpoint()) || is_there(folder.log()) ||
      (is_there(folder.configuration()) && !is_features(kdm::io::read_json(folder.configuration()))))
    kdm::fail<kdm::option_error>(folder.path.string(), " holds a trained student, expected another folder for --out");
}

/// Removes what an earlier fit has left, so that all files are of this one.
void clear(const model_folder& folder) {
  remove_files(folder.path, fit_files);
  remove_file(folder.model());
  remove_file(folder.configuration());
}

void save_student(const model_folder& folder, const feature_student& s) {
  kdm::io::require_finite_to_write(folder.model(), kdm::const_view<scalar>(s.weights.view()));
  kdm::io::write_json(folder.configuration(), to_json(s.settings));
  std::visit(
      [&](const auto& model) {
        kdm::io::save_weights(folder.model(), kdm::manifest_of(model), kdm::const_view<scalar>(s.weights.view()),
                              weights_metadata(to_json(s.settings)));
      },
      s.model);
}

}  // namespace

kdm::rank_rule rank_rule_of(const fit_options& o) {
  if (o.rank) return kdm::rank_rule::fixed(*o.rank);
  if (o.energy) return kdm::rank_rule::energy(*o.energy);
  return kdm::rank_rule::tolerance();
}

void fit(const fit_options& o) {
  check(o);
  output_folder mine(o.out);
  const any_executor run = make_executor(o.compute);
  kdm::snapshot_pairs pairs = pairs_from(o);
  pairs.rounding = rounding_of(o);
  const chosen_dictionary dictionary = choose_dictionary(o, pairs);
  const bool student = o.method == "edmd" && !o.consecutive && dictionary.has_student();
  if (o.student_only && !student)
    kdm::fail<kdm::option_error>("--student-only: a student comes from --method edmd with --dictionary rff:N or rbf:N, "
                                 "without --consecutive");
  const model_folder folder{o.out};
  mine.make();
  require_no_training(folder);
  const auto seconds_since = [](std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };

  if (student) {
    const auto start = std::chrono::steady_clock::now();
    const feature_student s = fit_student(o, pairs, run);
    clear(folder);
    save_student(folder, s);
    std::cout << "student of " << s.settings.latent << ' ' << s.settings.features << " of width "
              << kdm::rounded(s.settings.bandwidth, 3) << ": pair error " << kdm::rounded(s.pair_error, 3) << " on the "
              << pairs.count() << " pairs of the fit, operator residual " << kdm::rounded(s.operator_residual, 3) << ", "
              << kdm::rounded(seconds_since(start), 3) << " s\nwrote " << folder.model().string() << '\n';
  }
  if (o.student_only) return;

  const auto start = std::chrono::steady_clock::now();
  const operator_fit result = of_features(o) ? fit_features(o, pairs, dictionary, run) : fit_states(o, pairs);
  print(o, pairs, result.dynamics, seconds_since(start));
  if (!student) clear(folder);
  save_operator(o.out / "operator.safetensors", o, result.dynamics, dictionary);
  kdm::io::write_json(o.out / "spectrum.json", to_json(o, pairs, result.dynamics));
  std::cout << "wrote " << (o.out / "operator.safetensors").string() << " and spectrum.json\n";
  if (o.pictures) draw(o, result);
}

}  // namespace kdm_command
