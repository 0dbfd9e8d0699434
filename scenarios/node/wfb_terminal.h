// Text of others that is to be shown at a terminal.
#pragma once

#include <string>
#include <string_view>

namespace twinbed::scenarios {

/// The text with what a terminal would obey, and not show, made visible as \x1b: controls of one
/// byte but for tabs, those of ISO 6429 with eight bits, marks that change the direction of
/// writing, and bytes that are no UTF-8.
std::string visible_text(std::string_view text);

}  // namespace twinbed::scenarios
