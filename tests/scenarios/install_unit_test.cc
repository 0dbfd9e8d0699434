// The systemd unit of a server: what is checked before it is written, and what systemd says of it.
#include "scenarios/node/install_unit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <utility>

namespace twinbed::scenarios {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// A directory that a service can see, which is why it is not among the temporary ones.
class Visible {
 public:
  Visible() {
    std::string pattern = "/dev/shm/twinbed_unit_XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) return;
    path_ = pattern;
    std::filesystem::permissions(path_, std::filesystem::perms(0755));
  }
  ~Visible() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Visible(const Visible&) = delete;
  Visible& operator=(const Visible&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Ran {
  int status;
  std::string output;
};

/// Runs a shell's command; what it writes, errors among it.
Ran run(const std::string& command) {
  FILE* stream = ::popen((command + " 2>&1").c_str(), "r");
  std::string output;
  std::array<char, 4096> chunk{};
  for (std::size_t got = 1; got > 0;) {
    got = std::fread(chunk.data(), 1, chunk.size(), stream);
    output.append(chunk.data(), got);
  }
  const int status = ::pclose(stream);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

bool has_systemd() { return run("systemd-analyze --version").status == 0; }

class InstallUnit : public ::testing::Test {
 protected:
  void SetUp() override {
    if (place_.path().empty()) GTEST_SKIP() << "there is no /dev/shm";
    options_.node_id = 2;
    options_.program = "/usr/bin/env";  // any program will do, as none is started
    options_.config = place_.path() + "/config.json";
    options_.key = write("key", std::string(64, 'a') + "\n", 0600);
    use_images("/var/lib/cloud-p2p/images");
  }
  std::string write(const std::string& name, const std::string& text, mode_t mode) const {
    const std::string path = place_.path() + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  void use_images(const std::string& directory) const {
    write("config.json",
          R"({"peers": [{"id": 1, "address": "10.0.0.1:7001"},
                        {"id": 2, "address": "10.0.0.2:7002"}], "shared_dir": ")" +
              directory + "\"}",
          0644);
  }
  std::string text() const {
    const auto unit = make_unit(options_);
    return unit ? unit->text : "error: " + unit.error();
  }
  /// The sentence about a mistake in the options.
  std::string mistake() const {
    const auto unit = make_unit(options_);
    return unit ? "none in:\n" + unit->text : unit.error();
  }

  Visible place_;
  UnitOptions options_;
};

TEST_F(InstallUnit, SaysWhatToRunWithWhichFiles) {
  options_.arguments = {"--profile", "head"};
  const auto unit = make_unit(options_);
  ASSERT_TRUE(unit.ok()) << unit.error();
  EXPECT_THAT(unit->warnings, IsEmpty());
  EXPECT_EQ(to_string(unit->endpoint), "10.0.0.2:7002");
  for (const std::string& line :
       {std::string("Type=notify"), std::string("ExecStart=/usr/bin/env cloud-p2p --profile head"),
        "Environment=CONFIG_FILE=" + options_.config, std::string("Environment=NODE_ID=2"),
        "LoadCredential=encryption_key:" + options_.key, std::string("Restart=always"),
        std::string("RestartSec=10"), std::string("DynamicUser=yes"),
        std::string("StateDirectory=cloud-p2p cloud-p2p/images"),
        std::string("Wants=network-online.target"), std::string("After=network-online.target"),
        std::string("LimitNOFILE=65536"), std::string("ProtectSystem=strict"),
        std::string("NoNewPrivileges=yes"), std::string("WantedBy=multi-user.target")}) {
    EXPECT_THAT(unit->text, HasSubstr("\n" + line + "\n"));
  }
  EXPECT_THAT(unit->text, Not(HasSubstr(std::string(64, 'a'))));
}

TEST_F(InstallUnit, SystemdFindsNoFaultWithIt) {
  if (!has_systemd()) GTEST_SKIP() << "there is no systemd-analyze";
  options_.arguments = {"--profile", "head"};
  for (const char* user : {"", "root"}) {
    options_.user = user;
    const auto unit = make_unit(options_);
    ASSERT_TRUE(unit.ok()) << unit.error();
    const auto written = write_unit(*unit, place_.path(), true);
    ASSERT_TRUE(written.ok()) << written.error();
    const std::string path = place_.path() + "/cloud-p2p.service";
    const Ran verified = run("systemd-analyze verify " + path);
    EXPECT_EQ(verified.status, 0) << verified.output;
    EXPECT_THAT(verified.output, Not(HasSubstr("cloud-p2p"))) << "a line about this unit";
    const Ran security = run("systemd-analyze security --offline=true --no-pager " + path);
    EXPECT_EQ(security.status, 0) << security.output;
    // From 0, "safe", to 10; the scale of systemd calls up to 3 fine, and daemons have 9.
    std::smatch level;
    ASSERT_TRUE(std::regex_search(security.output, level,
                                  std::regex("Overall exposure level for .*: ([0-9.]+)")))
        << security.output;
    EXPECT_LT(std::stod(level[1]), 3.0) << security.output;
  }
}

TEST_F(InstallUnit, SystemdWouldFindAFault) {
  if (!has_systemd()) GTEST_SKIP() << "there is no systemd-analyze";
  const std::string path = write(
      "cloud-p2p.service", "[Service]\nExecStart=/nowhere/program\nRestart=sometimes\n", 0644);
  EXPECT_THAT(run("systemd-analyze verify " + path).output, HasSubstr("cloud-p2p"));
}

TEST_F(InstallUnit, GivesTheServiceItsDirectory) {
  use_images("/var/lib/cloud-p2p/");
  EXPECT_THAT(text(), HasSubstr("\nStateDirectory=cloud-p2p\n"));
  use_images("/var/lib/cloud-p2p/a/../b");
  EXPECT_THAT(text(), HasSubstr("\nStateDirectory=cloud-p2p cloud-p2p/b\n"));
  for (const char* outside : {"/var/lib/cloud-p2p/../other", "/var/lib/cloud-p2p-images"}) {
    use_images(outside);
    EXPECT_THAT(mistake(), HasSubstr("set shared_dir to /var/lib/cloud-p2p/images, or name the "
                                     "user to whom it belongs by --user"));
  }
  const std::string images = place_.path() + "/images";
  use_images(images);
  options_.user = "root";
  EXPECT_THAT(mistake(), HasSubstr("create it with `install -d -o root " + images + "`"));
  std::filesystem::create_directory(images);
  EXPECT_THAT(text(), AllOf(HasSubstr("\nUser=root\n"), HasSubstr("\nReadWritePaths=" + images),
                            Not(HasSubstr("DynamicUser"))));
}

TEST_F(InstallUnit, RefusesWhatTheServiceCouldNotUse) {
  const UnitOptions good = options_;
  const auto sentence = [&](const auto& change) {
    options_ = good;
    change(options_);
    return mistake();
  };
  EXPECT_THAT(sentence([](auto& o) { o.node_id = 3; }),
              HasSubstr("which are 1 and 2; set --node-id to the one"));
  EXPECT_THAT(sentence([](auto& o) { o.config = "config.json"; }),
              HasSubstr("the configuration is 'config.json'; a unit needs a path from / on"));
  EXPECT_THAT(sentence([](auto& o) { o.config += "x"; }),
              HasSubstr("or name another file by --config"));
  EXPECT_THAT(sentence([](auto& o) { o.config = "/etc/a b"; }), HasSubstr("of letters, digits"));
  EXPECT_THAT(sentence([](auto& o) { o.config = "/etc/%h"; }), HasSubstr("of letters, digits"));
  EXPECT_THAT(sentence([](auto& o) { o.config = "/etc/a\nUser=root"; }),
              HasSubstr("of letters, digits"));
  EXPECT_THAT(sentence([](auto& o) { o.key += "x"; }), HasSubstr("openssl rand -hex 32 > "));
  EXPECT_THAT(sentence([](auto& o) { o.program = "/usr/bin/nothing-like-it"; }),
              HasSubstr("is not there or not executable"));
  EXPECT_THAT(sentence([](auto& o) { o.program = "/etc/passwd"; }),
              HasSubstr("is not there or not executable"));
  EXPECT_THAT(sentence([](auto& o) { o.user = "no-such-user"; }),
              HasSubstr("there is no user 'no-such-user'"));
  EXPECT_THAT(sentence([](auto& o) { o.user = "root\nRestart=no"; }), HasSubstr("no user"));
  EXPECT_THAT(sentence([](auto& o) { o.arguments = {"--profile", "$HOME"}; }),
              HasSubstr("'$HOME' cannot go into the unit"));
  EXPECT_THAT(sentence([](auto& o) { o.arguments = {""}; }), HasSubstr("cannot go into"));
}

TEST_F(InstallUnit, RefusesFilesThatTheServiceDoesNotSee) {
  const std::string hidden = "/tmp/unit-" + std::to_string(::getpid());
  std::filesystem::create_directory(hidden);
  std::filesystem::copy_file(options_.config, hidden + "/config.json");
  std::filesystem::copy_file("/usr/bin/env", hidden + "/env");
  const UnitOptions good = options_;
  options_.config = hidden + "/config.json";
  const std::string about_config = mistake();
  options_ = good;
  options_.program = hidden + "/env";
  const std::string about_program = mistake();
  std::filesystem::remove_all(hidden);
  EXPECT_THAT(about_config, HasSubstr("is in /tmp, which the service does not see, for its "
                                      "protection; move it to /etc/cloud-p2p/config.json"));
  EXPECT_THAT(about_program, HasSubstr("copy it with `install -m 755 " + hidden + "/env "));
}

TEST_F(InstallUnit, LooksAtTheRightsOfItsFiles) {
  write("key", std::string(64, 'a'), 0644);
  const auto unit = make_unit(options_);
  ASSERT_TRUE(unit.ok()) << unit.error();
  ASSERT_EQ(unit->warnings.size(), 1u);
  EXPECT_THAT(unit->warnings[0], HasSubstr("others than its owner can read the key; `chmod 600 "));
  ASSERT_EQ(::chmod(options_.config.c_str(), 0640), 0);
  EXPECT_THAT(mistake(), HasSubstr("cannot read the configuration"));
  EXPECT_THAT(mistake(), HasSubstr("`chmod 644 " + options_.config + "`"));
  ASSERT_EQ(::chmod(options_.config.c_str(), 0644), 0);
  ASSERT_EQ(::chmod(place_.path().c_str(), 0700), 0);
  EXPECT_THAT(mistake(), HasSubstr("`chmod a+x " + place_.path() + "`"));
  options_.user = "root";
  EXPECT_THAT(text(), HasSubstr("\nUser=root\n"));
}

TEST_F(InstallUnit, KeepsAUnitThatDiffers) {
  const auto unit = make_unit(options_);
  ASSERT_TRUE(unit.ok()) << unit.error();
  const std::string path = place_.path() + "/cloud-p2p.service";
  const auto first = write_unit(*unit, place_.path(), false);
  ASSERT_TRUE(first.ok()) << first.error();
  EXPECT_THAT(*first, AllOf(HasSubstr("written: " + path + "\n"),
                            HasSubstr("\n  systemctl daemon-reload\n"),
                            HasSubstr("\n  systemctl enable --now cloud-p2p\n"),
                            HasSubstr("\n  ufw allow 7002/tcp\n"),
                            HasSubstr("\n  firewall-cmd --permanent --add-port=7002/tcp && ")));
  const auto again = write_unit(*unit, place_.path(), false);
  ASSERT_TRUE(again.ok()) << again.error();
  EXPECT_THAT(*again, HasSubstr("unchanged: " + path + "\n"));

  write("cloud-p2p.service", "# mine\n", 0644);
  EXPECT_THAT(write_unit(*unit, place_.path(), false).error(),
              AllOf(HasSubstr(path + " is there and differs"), HasSubstr("with --force")));
  const auto content = [&] {
    std::ifstream stream(path);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  };
  EXPECT_EQ(content(), "# mine\n");
  ASSERT_TRUE(write_unit(*unit, place_.path(), true).ok());
  EXPECT_EQ(content(), unit->text);
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0644u);
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

TEST_F(InstallUnit, SaysWhereItCannotWrite) {
  const auto unit = make_unit(options_);
  ASSERT_TRUE(unit.ok()) << unit.error();
  EXPECT_EQ(write_unit(*unit, place_.path() + "/nowhere", false).error(),
            "there is no directory " + place_.path() + "/nowhere; name another one by --to");
  EXPECT_THAT(write_unit(*unit, "/proc/self", false).error(),
              AllOf(HasSubstr("cannot write /proc/self/cloud-p2p.service: "),
                    HasSubstr("; run this as root, or use --to DIR or --print")));
}

}  // namespace
}  // namespace twinbed::scenarios
