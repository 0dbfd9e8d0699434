#include "scenarios/node/prompt.h"

#include <histedit.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <filesystem>
#include <system_error>

namespace twinbed::scenarios {
namespace {

constexpr std::string_view kPrompt = "> ";
constexpr int kHistoryLines = 500;
constexpr std::size_t kMaxListed = 100;

/// Waits, with the loop running, until standard input can be read; false if `interrupted` came true
/// first.
template <class Interrupted>
bool wait_for_input(backends::EventLoop& loop, backends::Watch& watch, Interrupted interrupted) {
  bool is_ready = false;
  watch.when_readable([&is_ready] { is_ready = true; });
  const auto done = [&] { return is_ready || interrupted(); };
  while (!loop.run_until(done, std::chrono::hours(1))) {
  }
  watch.ignore_readable();
  return is_ready && !interrupted();
}

class LineReader final : public Prompt {
 public:
  explicit LineReader(backends::EventLoop& loop) : loop_(loop), watch_(loop, STDIN_FILENO) {}

  std::optional<std::string> read_line() override {
    for (;;) {
      const std::size_t end = pending_.find('\n');
      if (!is_ended_ && end != std::string::npos) {
        std::string line = pending_.substr(0, end);
        pending_.erase(0, end + 1);
        return line;
      }
      if (is_ended_) return std::nullopt;
      if (has_all_) {
        is_ended_ = true;
        if (!pending_.empty()) return pending_;
      } else if (wait_for_input(loop_, watch_, [this] { return is_ended_; })) {
        read_more();
      }
    }
  }
  void print(std::string_view line) override {
    std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
    std::fflush(stdout);
  }
  void interrupt() override { is_ended_ = true; }
  void end() override { is_ended_ = true; }
  bool is_terminal() const override { return false; }

 private:
  void read_more() {
    std::array<char, 4096> chunk{};
    const ssize_t got = ::read(STDIN_FILENO, chunk.data(), chunk.size());
    if (got > 0) pending_.append(chunk.data(), static_cast<std::size_t>(got));
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) has_all_ = true;
  }

  backends::EventLoop& loop_;
  backends::Watch watch_;
  std::string pending_;
  bool has_all_ = false;   // the input has come to its end
  bool is_ended_ = false;  // nothing more is handed out
};

/// libedit reads its characters through a function of ours that runs the loop while there is none.
/// Timers and sockets thus go on even in the middle of an escape sequence.
class TerminalPrompt final : public Prompt {
 public:
  TerminalPrompt(backends::EventLoop& loop, std::vector<PromptCommand> commands);
  ~TerminalPrompt() override;
  TerminalPrompt(const TerminalPrompt&) = delete;
  TerminalPrompt& operator=(const TerminalPrompt&) = delete;

  std::optional<std::string> read_line() override;
  void print(std::string_view line) override;
  void interrupt() override;
  void end() override { is_ended_ = true; }
  void resize() override { el_resize(edit_); }
  void resume() override;
  bool is_terminal() const override { return true; }

 private:
  static TerminalPrompt& of(EditLine* edit);
  static int read_character(EditLine* edit, wchar_t* out) { return of(edit).next_character(*out); }
  static unsigned char complete_word(EditLine* edit, int) { return of(edit).complete_at_cursor(); }
  int next_character(wchar_t& out);
  unsigned char complete_at_cursor();
  void list(const std::vector<std::string>& words);
  void erase_line();
  void redraw() { el_set(edit_, EL_REFRESH); }

  backends::EventLoop& loop_;
  std::vector<PromptCommand> commands_;
  backends::Watch watch_;
  EditLine* edit_ = nullptr;
  History* history_ = nullptr;
  bool is_editing_ = false;
  bool is_interrupted_ = false;
  bool is_ended_ = false;
};

TerminalPrompt::TerminalPrompt(backends::EventLoop& loop, std::vector<PromptCommand> commands)
    : loop_(loop), commands_(std::move(commands)), watch_(loop, STDIN_FILENO) {
  // Lines and file names are UTF-8 nearly everywhere; a C locale would drop what is not ASCII.
  const char* locale = std::setlocale(LC_CTYPE, "");
  if (locale == nullptr || MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
  edit_ = el_init("cloud-p2p-client", stdin, stdout, stderr);
  history_ = history_init();
  HistEvent event{};
  history(history_, &event, H_SETSIZE, kHistoryLines);
  history(history_, &event, H_SETUNIQUE, 1);
  el_set(edit_, EL_CLIENTDATA, this);
  el_set(edit_, EL_SIGNAL, 0);  // signals come through the loop
  el_set(edit_, EL_PROMPT, +[](EditLine*) { return const_cast<char*>(kPrompt.data()); });
  el_set(edit_, EL_EDITOR, "emacs");
  el_set(edit_, EL_HIST, ::history, history_);
  el_set(edit_, EL_GETCFN, &TerminalPrompt::read_character);
  // The call for narrow characters would copy the two texts and never free them.
  el_wset(edit_, EL_ADDFN, L"complete-word", L"completes the word",
          &TerminalPrompt::complete_word);
  el_set(edit_, EL_BIND, "^I", "complete-word", nullptr);
  el_set(edit_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
}

TerminalPrompt::~TerminalPrompt() {
  el_end(edit_);
  history_end(history_);
}

TerminalPrompt& TerminalPrompt::of(EditLine* edit) {
  void* self = nullptr;
  el_get(edit, EL_CLIENTDATA, &self);
  return *static_cast<TerminalPrompt*>(self);
}

std::optional<std::string> TerminalPrompt::read_line() {
  if (is_ended_) return std::nullopt;
  is_interrupted_ = false;
  is_editing_ = true;
  int count = 0;
  const char* text = el_gets(edit_, &count);
  is_editing_ = false;
  if (is_interrupted_) return is_ended_ ? std::nullopt : std::optional<std::string>("");
  if (text == nullptr || count <= 0) {
    is_ended_ = true;
    std::fputc('\n', stdout);  // the shell's prompt goes to a line of its own
    std::fflush(stdout);
    return std::nullopt;
  }
  std::string line(text, static_cast<std::size_t>(count));
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  HistEvent event{};
  if (line.find_first_not_of(" \t") != std::string::npos) {
    history(history_, &event, H_ENTER, line.c_str());
  }
  return line;
}

int TerminalPrompt::next_character(wchar_t& out) {
  std::mbstate_t state{};
  for (;;) {
    const bool is_ready = wait_for_input(
        loop_, watch_, [this] { return is_ended_ || is_interrupted_; });
    if (is_ended_) return 0;
    if (is_interrupted_) {
      // As if the line were finished: read_line throws it away.
      out = L'\n';
      return 1;
    }
    if (!is_ready) continue;
    char byte = 0;
    const ssize_t got = ::read(STDIN_FILENO, &byte, 1);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) {
      is_ended_ = true;
      return 0;
    }
    const std::size_t used = std::mbrtowc(&out, &byte, 1, &state);
    if (used <= 1) return 1;
    if (used == static_cast<std::size_t>(-1)) state = {};  // not a character: dropped
  }
}

void TerminalPrompt::print(std::string_view line) {
  if (is_editing_) erase_line();
  std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(stdout);
  if (is_editing_) redraw();
}

/// Moves to the first row of the line that is being edited and clears the screen from there on.
void TerminalPrompt::erase_line() {
  const LineInfo* info = el_line(edit_);
  const auto is_first_byte = [](char byte) { return (byte & 0xc0) != 0x80; };
  const auto before =
      std::count_if(info->buffer, info->cursor, is_first_byte) + std::ssize(kPrompt);
  winsize size{};
  const bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  const auto rows = is_known ? before / size.ws_col : 0;
  if (rows > 0) std::printf("\x1b[%dA", static_cast<int>(rows));
  std::printf("\r\x1b[J");
}

void TerminalPrompt::interrupt() {
  if (is_editing_ && !is_interrupted_) {
    std::fputs("^C", stdout);
    std::fflush(stdout);
  }
  is_interrupted_ = true;
}

void TerminalPrompt::resume() {
  if (!is_editing_) return;
  el_set(edit_, EL_PREP_TERM, 0);
  el_set(edit_, EL_PREP_TERM, 1);
  redraw();
}

unsigned char TerminalPrompt::complete_at_cursor() {
  const LineInfo* info = el_line(edit_);
  const std::string line(info->buffer, info->cursor);
  const Completions found = complete(line, commands_);
  if (found.words.empty()) return CC_REFRESH_BEEP;
  // In alphabetical order, what the first and the last have in common all have.
  const std::string& first = found.words.front();
  const std::string& last = found.words.back();
  const auto differs = std::mismatch(first.begin(), first.end(), last.begin(), last.end());
  const std::string common(first.begin(), differs.first);
  const std::string typed = line.substr(found.word_at);
  if (common.size() > typed.size()) {
    el_insertstr(edit_, common.substr(typed.size()).c_str());
    return CC_REFRESH;
  }
  if (found.words.size() == 1) return CC_REFRESH;
  list(found.words);
  return CC_REDISPLAY;
}

void TerminalPrompt::list(const std::vector<std::string>& words) {
  std::printf("\n");
  for (std::size_t i = 0; i < std::min(words.size(), kMaxListed); ++i) {
    const std::string& word = words[i];
    // Of a path only its last part, which is what they differ in.
    const std::size_t slash = std::string_view(word).substr(0, word.size() - 1).rfind('/');
    std::printf("%s\n", word.c_str() + (slash == std::string::npos ? 0 : slash + 1));
  }
  if (words.size() > kMaxListed) std::printf("... and %zu more\n", words.size() - kMaxListed);
  std::fflush(stdout);
}

std::vector<std::string> complete_path(const std::string& typed) {
  const std::size_t slash = typed.rfind('/');
  const std::string directory = slash == std::string::npos ? "" : typed.substr(0, slash + 1);
  const std::string start = typed.substr(directory.size());
  std::vector<std::string> words;
  std::error_code code;
  std::filesystem::directory_iterator entries(directory.empty() ? "." : directory, code);
  for (; !code && entries != std::filesystem::directory_iterator(); entries.increment(code)) {
    const std::string name = entries->path().filename().string();
    if (!name.starts_with(start) || (name.starts_with('.') && !start.starts_with('.'))) continue;
    std::error_code ignored;
    words.push_back(directory + name + (entries->is_directory(ignored) ? "/" : ""));
  }
  std::sort(words.begin(), words.end());
  return words;
}

}  // namespace

Completions complete(std::string_view line, const std::vector<PromptCommand>& commands) {
  const std::size_t first = std::min(line.find_first_not_of(" \t"), line.size());
  const std::size_t end = line.find_first_of(" \t", first);
  const std::string_view word = line.substr(first, end - first);
  if (end == std::string_view::npos) {
    Completions completions{first, {}};
    for (const PromptCommand& command : commands) {
      if (!command.name.starts_with(word)) continue;
      completions.words.push_back(command.name + (command.takes_path ? " " : ""));
    }
    std::sort(completions.words.begin(), completions.words.end());
    return completions;
  }
  for (const PromptCommand& command : commands) {
    if (!command.takes_path || command.name != word) continue;
    const std::size_t path_at = std::min(line.find_first_not_of(" \t", end), line.size());
    return {path_at, complete_path(std::string(line.substr(path_at)))};
  }
  return {line.size(), {}};
}

std::unique_ptr<Prompt> make_prompt(backends::EventLoop& loop,
                                    std::vector<PromptCommand> commands) {
  if (isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1) {
    return std::make_unique<TerminalPrompt>(loop, std::move(commands));
  }
  return std::make_unique<LineReader>(loop);
}

}  // namespace twinbed::scenarios
