// What most questions to the store have in common: scope, range, moment, and how they are answered.
#pragma once

#include "query/as_of.h"
#include "server/api/api.h"

#include <stop_token>
#include <type_traits>
#include <utility>

namespace takt {

inline const ParameterDoc kScopeDoc{"scope", "plant (default), area:ID, line:ID or machine:ID"};
inline const ParameterDoc kFromDoc{
    "from", "begin of the range, RFC 3339 or microseconds since 1970; default: 24 hours before `to`"};
inline const ParameterDoc kToDoc{"to", "end of the range, not in it; default: now, or as_of"};
inline const ParameterDoc kAsOfDoc{
    "as_of",
    "a moment of the past: as it was answered then, by the events and the plant committed by "
    "then; 400 where commits of then, or events of the range, are known no more"};
inline const ParameterDoc kMachineDoc{"machine", "the machine's id", true};

struct Question {
  Scope scope;
  TimeRange range;
  Timestamp now;  ///< then, if it is of the past
  bool past = false;
  std::stop_token stop;
};

inline Question question(Parameters& in, const HttpRequest& http, Timestamp now) {
  Question q;
  q.scope = in.scope();
  const auto then = in.as_of();
  q.past = then.has_value();
  q.now = then.value_or(now);
  q.range = in.range();
  q.stop = http.cancelled;
  return q;
}

/// What `query` finds in the store as it is, or as it was. The view is let go before the answer is written.
template <class Query>
std::invoke_result_t<Query, const StoreView&> asked(const Api& api, const Question& q, Query query) {
  if (!q.past) return query(api.store.read());
  const auto view = view_as_of(api.store, q.now, q.scope, q.range, q.stop);
  if (!view) return view.error();
  return query(*view);
}

/// At once, unless it may take long: the past is made anew from events.
template <class Answer>
void answer_question(Api& api, Responder responder, bool may_take_long, Answer answer) {
  if (!may_take_long) return responder.send(answer());
  answer_in(api.scanners, std::move(responder), std::move(answer));
}

}  // namespace takt
