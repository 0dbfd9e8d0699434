// Lines from a person at a terminal, or from a pipe, while an event loop goes on.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/event_loop.h"

namespace twinbed::scenarios {

/// A command that the prompt completes at its Tab key.
struct PromptCommand {
  std::string name;
  bool takes_path = false;  ///< what follows is the name of a file, completed too
};

class Prompt {
 public:
  virtual ~Prompt() = default;

  /// The next line without its end; nothing at the end of input. Runs the loop while it waits.
  virtual std::optional<std::string> read_line() = 0;
  /// Prints a line; one that is being edited moves down.
  virtual void print(std::string_view line) = 0;

  // To be called from callbacks of the loop.

  /// SIGINT: throws away the line that is being edited (terminal), or ends the input (pipe).
  virtual void interrupt() = 0;
  /// Ends the input: read_line returns nothing from now on.
  virtual void end() = 0;
  /// SIGWINCH: the terminal has another size.
  virtual void resize() {}
  /// SIGCONT: the process goes on after a stop, in which a shell has changed the terminal's modes.
  virtual void resume() {}

  /// Whether a person edits lines; if not, they come from a pipe or a file.
  virtual bool is_terminal() const = 0;
};

/// A prompt on standard input and output: "> " with editing, history and completion where both are
/// a terminal, else plain lines without a prompt.
std::unique_ptr<Prompt> make_prompt(backends::EventLoop& loop,
                                    std::vector<PromptCommand> commands);

/// What can stand in place of the last word of `line`: its completions in alphabetical order, each
/// as the text that the word would become. A command's ends with a space where the command takes a
/// path, a directory's with '/'. A path is all that follows the command, spaces included.
struct Completions {
  std::size_t word_at = 0;  ///< where in `line` the word begins
  std::vector<std::string> words;
};
Completions complete(std::string_view line, const std::vector<PromptCommand>& commands);

}  // namespace twinbed::scenarios
