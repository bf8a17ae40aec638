// In which form an answer goes out, and whether it has to at all.
#pragma once

#include "server/http/message.h"

#include <string>
#include <string_view>
#include <vector>

namespace takt {

enum class AnswerForm { json, csv, ndjson };

/// The form that `Accept` likes best (RFC 9110 section 12.5.1); of equals the one named first. JSON where it names
/// none of them: who asks for a page gets an answer, not 406.
AnswerForm accepted_form(std::string_view accept);

/// Makes rows of an answer in JSON: its member `rows`, as table_of() in query/answer_table.h takes it. An answer
/// of another type, an error and an answer without rows stay as they are. What the rows stand beside is left out,
/// but for `next_cursor`, which goes into the header Takt-Next-Cursor.
void put_into_form(HttpResponse& response, AnswerForm form, std::string_view rows,
                   const std::vector<std::string>& columns);

/// Gives a 200 its ETag, of its content: the same answer has the same one, after a restart and from another
/// server, too. Empties it to 304 where `if_none_match` has it already (RFC 9110 section 13.1.2).
void tag_answer(HttpResponse& response, std::string_view if_none_match);

}  // namespace takt
