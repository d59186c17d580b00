// kdm: distils diffusion teachers into one-step Koopman students. One subcommand a stage; files between them.
#include <CLI/CLI.hpp>
#include <cerrno>
#include <functional>
#include <iostream>
#include <limits>
#include <optional>
#include <system_error>

#include "commands.hpp"
#include "configuration.hpp"
#include "kdm/core/config.hpp"
#include "kdm/core/error.hpp"
#include "process.hpp"

namespace kdm_command {

namespace {

template <class T>
struct number_of {
  using type = T;
};
template <class T>
struct number_of<std::optional<T>> {
  using type = T;
};

/// Adds an option that takes one number. `target` is the number or an optional one; the help shows the default of the
/// former. Every number of the command comes in here: what CLI11 converts itself wraps, and takes hexadecimal and octal.
template <class Target, class T = typename number_of<Target>::type>
CLI::Option* add_number(CLI::App& c, const std::string& name, Target& target, const std::string& help,
                        number_range<std::type_identity_t<T>> range) {
  CLI::Option* option = c.add_option_function<std::string>(
      name, [name, range, &target](const std::string& text) { target = parse_number<T>(name, text, range); }, help);
  option->type_name(std::is_floating_point_v<T> ? "NUMBER" : "INTEGER");
  if constexpr (std::is_same_v<Target, T>) option->default_str(kdm::concat(target));
  return option;
}

/// The same for a setting, with its range and its default.
template <class T>
void add_setting(CLI::App& c, const std::string& name, std::optional<T>& target, const std::string& help,
                 const char* setting) {
  const settings defaults;
  detail::each(defaults, [&](const char*, const char* key, const auto& field, double least, double most) {
    if constexpr (std::is_same_v<decltype(field), const T&>)
      if (std::string_view(key) == setting && target == std::nullopt && c.get_option_no_throw(name) == nullptr)
        add_number(c, name, target, help + kdm::concat(" [", field, "]"), range_of<T>(least, most));
  });
}

void add_executor(CLI::App& c, compute_options& o) {
  c.add_option("--executor", o.executor, "Whose threads do the work")
      ->check(CLI::IsMember({"serial", "openmp", "onetbb"}))
      ->capture_default_str();
  add_number(c, "--threads", o.threads, "Threads; 0 takes all cores. The result does not depend on it", {0, 4096});
}

void add_backend(CLI::App& c, compute_options& o) {
  c.add_option("--backend", o.backend, "What computes the networks")
      ->check(CLI::IsMember({"native", "reference", "eigen", "xtensor", "cuda"}))
      ->capture_default_str();
  add_executor(c, o);
}

void add_support(CLI::App& c, std::string& support) {
  c.add_option("--support", support, "Where the true density lives, to count samples outside it")
      ->check(CLI::IsMember({"checkerboard"}));
}

void add_teach(CLI::App& c, teach_options& o) {
  c.add_option("--teacher", o.teacher, "The distribution, whose exact denoiser is the teacher")
      ->check(CLI::IsMember({"checkerboard", "gaussians", "empirical"}))
      ->capture_default_str();
  c.add_option("--path", o.path, "From noise to data: linear flow matching, or variance exploding (EDM)")
      ->check(CLI::IsMember({"flow", "edm"}))
      ->capture_default_str();
  c.add_option("--solver", o.solver, "How the path is integrated")
      ->check(CLI::IsMember({"euler", "heun", "rk4"}))
      ->capture_default_str();
  add_number(c, "--steps", o.steps, "Steps of the solver", {1, 1000000});
  add_number(c, "--samples", o.samples, "Number of trajectories", {1});
  add_number(c, "--snapshots", o.snapshots, "Points kept of each: 2 (noise and data) to steps + 1", {2, 1000001});
  add_number(c, "--seed", o.seed, "Of the noise", {});
  c.add_option("--data", o.data, "The points of --teacher empirical, .npy [n, d]");
  c.add_option("--out", o.out, "The file to write, .npy [snapshots, samples, d]")->required();
  add_executor(c, o.compute);
}

void add_distill(CLI::App& c, distill_options& o) {
  c.add_option("--pairs", o.pairs, "Trajectories or pairs to learn from, .npy [snapshots, n, d]")->required();
  c.add_option("--validation", o.validation, "Held-out pairs; otherwise a tenth of the pairs, at most 5000");
  c.add_option("--out", o.out, "The folder of the model")->required();
  c.add_option("--config", o.config, "JSON file; what it leaves out keeps its default (see configuration.json in --out)");
  add_setting(c, "--steps", o.steps, "Training steps", "steps");
  add_setting(c, "--batch", o.batch, "Pairs a step", "batch");
  add_setting(c, "--learning-rate", o.learning_rate, "Highest learning rate", "learning_rate");
  add_setting(c, "--hidden", o.hidden, "Width of the hidden layers", "hidden");
  add_setting(c, "--depth", o.depth, "Dense layers of each network", "depth");
  add_setting(c, "--latent", o.latent, "Dimension of the latent space; 0: as --hidden", "latent");
  add_setting(c, "--seed", o.seed, "Of initial weights, batches and latent noise", "seed");
  c.add_option("--keep", o.keep, "The weights that are saved: of the last step, or of the step with the lowest held-out pair "
                                 "error or sliced Wasserstein distance [" + settings().training.keep + "]")
      ->check(CLI::IsMember({"last", "pair_error", "sliced_wasserstein"}));
  auto* resume = c.add_flag("--resume", o.resume, "Go on from the checkpoint in --out");
  c.add_flag("--overwrite", o.overwrite, "Replace the model that is in --out")->excludes(resume);
  add_number(c, "--stop-after", o.stop_after, "Stop after so many steps of this call, ready to resume; 0: do not", {0});
  add_number(c, "--checkpoint-every", o.checkpoint_every, "Steps between checkpoints", {1});
  add_number(c, "--validate-every", o.validate_every, "Steps between validations", {1});
  add_number(c, "--log-every", o.log_every, "Steps between lines of training.jsonl", {1});
  add_backend(c, o.compute);
}

void add_fit(CLI::App& c, fit_options& o) {
  c.add_option("--pairs", o.pairs, "Snapshots, .npy [snapshots, n, d]; the pairs are their two ends")->required();
  c.add_flag("--consecutive", o.consecutive, "The pairs are all neighbouring snapshots instead");
  c.add_option("--method", o.method, "How the operator is fitted")
      ->check(CLI::IsMember({"exact", "projected", "total_least_squares", "forward_backward", "orthogonal", "symmetric",
                             "skew", "circulant", "stable", "edmd", "mp_edmd"}))
      ->capture_default_str();
  c.add_option("--dictionary", o.dictionary,
               "Features of edmd and mp_edmd: identity, monomials:DEGREE, rff:N (random waves), rbf:N (Gaussian bumps), "
               "fourier:HARMONICS (one angle)")
      ->capture_default_str();
  add_number(c, "--bandwidth", o.bandwidth, "Width of rff and rbf, in units of the data; 0: from the data", {0.});
  add_number(c, "--rank", o.rank, "Singular values kept; otherwise all above the rounding of the data", {1});
  add_number(c, "--energy", o.energy, "Keep so many that their squares sum to this share", {0., 1., true});
  add_number(c, "--ridge", o.ridge, "Penalty of edmd, relative to the size of the features [0; the student 0.0001]", {0.});
  c.add_option("--data-precision", o.data_precision,
               "How exactly the numbers are known: float32, float64, or the unit that they were rounded to, such as "
               "1e-6 for six decimals; otherwise the type in the file");
  add_number(c, "--dt", o.dt, "Time from one snapshot of a pair to the other", {0., std::numeric_limits<double>::max(), true});
  add_number(c, "--seed", o.seed, "Of rff and rbf", {});
  c.add_option("--out", o.out, "The folder for operator, spectrum, pictures and student")->required();
  c.add_flag("--student-only", o.student_only, "Write the student alone: no spectrum, which takes minutes for thousands of features");
  c.add_flag("!--no-pictures", o.pictures, "Draw nothing; pictures need gnuplot");
  add_executor(c, o.compute);
}

void add_sample(CLI::App& c, sample_options& o) {
  c.add_option("--model", o.model, "The folder of the model")->required();
  auto* samples = add_number(c, "--samples", o.samples, "Number of samples; this or --noise is REQUIRED", {1});
  samples->default_str("");
  auto* noise = c.add_option("--noise", o.noise, "Noise to push instead of drawing it, .npy [n, d]; this or --samples is REQUIRED");
  add_number(c, "--seed", o.seed, "Of the noise", {})->excludes(noise);
  samples->excludes(noise);
  c.add_option("--out", o.out, "The file to write, .npy [n, d]")->required();
  add_backend(c, o.compute);
}

void add_export(CLI::App& c, export_options& o) {
  c.add_option("--model", o.model, "The folder of the model, a trained one")->required();
  c.add_option("--header", o.header, "The C++ header to write: weights compiled into a program");
  c.add_option("--safetensors", o.safetensors, "The file to write: weights that a program loads");
  c.add_option("--name", o.name, "The namespace in the header")->capture_default_str();
  c.add_flag("--overwrite", o.overwrite, "Replace files that are there");
}

void add_evaluate(CLI::App& c, evaluate_options& o) {
  c.add_option("--model", o.model, "The folder of the model")->required();
  c.add_option("--pairs", o.pairs, "Pairs the student has not seen, .npy [snapshots, n, d]")->required();
  add_support(c, o.support);
  c.add_option("--out", o.out, "JSON file for the figures");
  add_backend(c, o.compute);
}

void add_analyze(CLI::App& c, analyze_options& o) {
  c.add_option("--model", o.model, "The folder of the model")->required();
  c.add_option("--pairs", o.pairs, "Pairs the student has not seen, .npy [snapshots, n, d]")->required();
  add_support(c, o.support);
  c.add_option("--image", o.image, "HEIGHTxWIDTH, such as 8x8: the samples are images, row after row, and are shown as such");
  c.add_option("--out", o.out, "The folder for pictures and report.html")->required();
  add_backend(c, o.compute);
}

int run(int argc, char** argv) {
  CLI::App app("kdm distils a diffusion teacher into a student that samples with one push: x_0 = D(C E(x_T)).");
  app.set_version_flag("--version", kdm::concat(KDM_VERSION_MAJOR, '.', KDM_VERSION_MINOR, '.', KDM_VERSION_PATCH));
  app.require_subcommand(1);
  teach_options teach_o;
  distill_options distill_o;
  fit_options fit_o;
  sample_options sample_o;
  export_options export_o;
  evaluate_options evaluate_o;
  analyze_options analyze_o;
  for (int k = 0; k < argc; ++k) analyze_o.command += (k > 0 ? " " : "") + std::string(argv[k]);
  int status = 0;
  const auto add = [&](const char* name, const char* what, auto declare, auto& options, auto command) {
    CLI::App* c = app.add_subcommand(name, what);
    declare(*c, options);
    c->callback([&options, command] { command(options); });
    return c;
  };
  add("teach", "Trajectories of an exact teacher, from noise to data", add_teach, teach_o, teach);
  add("distill", "Train a student on pairs of noise and data", add_distill, distill_o,
      [&status](const distill_options& o) { status = distill(o); });
  add("fit", "Fit a Koopman operator to pairs, or a student without training", add_fit, fit_o, fit);
  CLI::App* sampler = add("sample", "One push of the student per sample; needs --samples or --noise", add_sample, sample_o, sample);
  sampler->callback([&sample_o] {
    if (sample_o.samples == 0 && sample_o.noise.empty()) throw CLI::RequiredError("--samples or --noise");
    sample(sample_o);
  });
  CLI::App* exporter = add("export", "Freeze a student for other programs; needs --header or --safetensors", add_export, export_o, export_student);
  exporter->callback([&export_o] {
    if (export_o.header.empty() && export_o.safetensors.empty()) throw CLI::RequiredError("--header or --safetensors");
    export_student(export_o);
  });
  add("evaluate", "Compare student and teacher on held-out pairs", add_evaluate, evaluate_o, evaluate);
  add("analyze", "Pictures and a page about the student", add_analyze, analyze_o, analyze);
  try {
    // CLI11 would only say that a subcommand is required.
    if (const std::string first = argc > 1 ? argv[1] : "-"; first.empty() || first[0] != '-') {
      std::string known;
      for (const CLI::App* c : app.get_subcommands([](CLI::App*) { return true; })) known += " " + c->get_name();
      if ((known + " ").find(" " + first + " ") == std::string::npos)
        kdm::fail<kdm::option_error>("unknown subcommand '", first, "', expected one of", known);
    }
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int code = app.exit(e);
    return code == 0 ? 0 : 2;
  } catch (const kdm::option_error& e) {
    std::cerr << "kdm: " << e.what() << '\n';
    return 2;
  }
  return status;
}

}  // namespace
}  // namespace kdm_command

int main(int argc, char** argv) {
  kdm_command::standard_output out;
  kdm_command::handle_signals();
  int status = 1;
  try {
    status = kdm_command::run(argc, argv);
  } catch (const std::bad_alloc&) {
    std::cerr << "kdm: not enough memory for sizes like these\n";
  } catch (const std::exception& e) {
    std::cerr << "kdm: " << e.what() << '\n';
  }
  if (const int problem = out.finish(); problem != 0) {
    // Whoever closed the pipe has seen enough.
    if (problem != EPIPE)
      std::cerr << "kdm: standard output: " << std::generic_category().message(problem) << '\n';
    if (status == 0) status = 1;
  }
  return status;
}
