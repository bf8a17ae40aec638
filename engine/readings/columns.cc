#include "engine/readings/columns.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <span>

namespace takt {

Rank rank_of(const Reading& reading) {
  Rank rank;
  if (reading.extra != nullptr) rank.order = reading.extra->order;
  if (rank.withdrawn()) return rank;
  static const ReadingExtra kNone;  // nothing beside the row is the same as an empty text
  const ReadingExtra& extra = reading.extra == nullptr ? kNone : *reading.extra;
  thread_local std::string content;
  content.clear();
  const auto number = [](auto value) { content.append(reinterpret_cast<const char*>(&value), sizeof value); };
  number(reading.kind), number(reading.number), number(reading.quality);
  number(extra.value.size());
  content += extra.value;
  content += extra.attributes;
  rank.content = XXH3_64bits(content.data(), content.size());
  return rank;
}

Reading reading_of(const Event& event, ReadingExtra& extra) {
  Reading reading;
  reading.at = event.at;
  reading.number = event.value.number;
  reading.kind = event.value.kind;
  if (event.value_quality != kAbsent) reading.quality = static_cast<std::int32_t>(event.value_quality);
  extra.order = static_cast<std::uint64_t>(event.revision) * 2 + (event.deleted ? 1 : 0);
  extra.value = event.value.text;
  extra.id = event.id;
  extra.attributes = event.attributes;
  if (extra != ReadingExtra{}) reading.extra = &extra;
  return reading;
}

void ReadingColumns::reserve(std::size_t rows) { at.reserve(rows), number.reserve(rows); }

void ReadingColumns::push_back(const Reading& row) {
  if (row.extra != nullptr) extras.push_back(*row.extra);
  at.push_back(micros(row.at));
  number.push_back(row.number);
  quality.push_back(row.quality);
  kind.push_back(row.kind);
  extra.push_back(row.extra == nullptr ? 0 : static_cast<std::uint32_t>(extras.size()));
}

void ReadingColumns::append(const ReadingColumns& from, std::size_t first, std::size_t last) {
  const auto part = [&](auto& to, const auto& source) {
    to.insert(to.end(), source.begin() + static_cast<std::ptrdiff_t>(first),
              source.begin() + static_cast<std::ptrdiff_t>(last));
  };
  part(at, from.at), part(number, from.number);
  quality.append(from.quality, first, last), kind.append(from.kind, first, last);
  if (from.extras.empty()) return extra.append(last - first, 0);
  for (std::size_t i = first; i < last; ++i) {
    if (from.extra[i] != 0) extras.push_back(from.extras[from.extra[i] - 1]);
    extra.push_back(from.extra[i] == 0 ? 0 : static_cast<std::uint32_t>(extras.size()));
  }
}

namespace {

/// As std::lower_bound. Tags are sampled at a steady pace, so that a guess from the ends is nearly right.
std::size_t first_from(std::span<const std::int64_t> times, std::int64_t us) {
  if (times.empty() || us <= times.front()) return 0;
  if (us > times.back()) return times.size();
  const auto since_first = [&](std::int64_t time) {  // unsigned: no difference overflows
    return static_cast<double>(static_cast<std::uint64_t>(time) - static_cast<std::uint64_t>(times.front()));
  };
  const double share = since_first(us) / since_first(times.back());
  const auto guess = static_cast<std::size_t>(share * static_cast<double>(times.size() - 1));
  // From there in growing steps past the place: it lies in [low, high].
  std::size_t low = guess, high = guess;
  for (std::size_t step = 4; low > 0 && times[low - 1] >= us; step *= 4) low -= std::min(low, step);
  for (std::size_t step = 4; high < times.size() && times[high] < us; step *= 4)
    high = std::min(times.size(), high + step);
  const auto window = times.subspan(low, high - low);
  return low + static_cast<std::size_t>(std::lower_bound(window.begin(), window.end(), us) - window.begin());
}

}  // namespace

std::size_t ReadingColumns::lower_bound(std::int64_t us) const { return first_from(at, us); }

std::size_t ReadingColumns::place_of(std::int64_t us, std::string_view id, std::size_t end) const {
  end = std::min(end, size());
  std::size_t first = first_from({at.data(), end}, us);
  if (first == end || at[first] != us || us == std::numeric_limits<std::int64_t>::max()) return first;
  // One instant may have thousands, told apart by their ids.
  for (std::size_t last = first_from({at.data(), end}, us + 1); first < last;) {
    const std::size_t middle = first + (last - first) / 2;
    if ((*this)[middle].id() < id)
      first = middle + 1;
    else
      last = middle;
  }
  return first;
}

void ReadingColumns::insert(std::size_t i, const Reading& row) {
  const auto place = static_cast<std::ptrdiff_t>(i);
  if (row.extra != nullptr) extras.push_back(*row.extra);
  at.insert(at.begin() + place, micros(row.at));
  number.insert(number.begin() + place, row.number);
  quality.insert(i, row.quality);
  kind.insert(i, row.kind);
  extra.insert(i, row.extra == nullptr ? 0 : static_cast<std::uint32_t>(extras.size()));
}

void ReadingColumns::insert(const ReadingColumns& rows) {
  std::size_t end = size();        // rows from here on stand where they belong
  std::size_t left = rows.size();  // of those to be put in
  at.resize(end + left), number.resize(end + left);
  quality.widen(left), kind.widen(left), extra.widen(left);
  // From the newest on, so that each row that is there moves once.
  while (left > 0) {
    const Reading row = rows[left - 1];
    const std::size_t place = place_of(micros(row.at), row.id(), end);
    const auto shift = [&](auto& column) {
      std::move_backward(column.begin() + static_cast<std::ptrdiff_t>(place),
                         column.begin() + static_cast<std::ptrdiff_t>(end),
                         column.begin() + static_cast<std::ptrdiff_t>(end + left));
    };
    shift(at), shift(number);
    quality.move_up(place, end, end + left), kind.move_up(place, end, end + left);
    extra.move_up(place, end, end + left);
    end = place;
    --left;
    extra.set(end + left, 0);
    at[end + left] = micros(row.at);
    replace(end + left, row);
  }
}

void ReadingColumns::replace(std::size_t i, const Reading& row) {
  number[i] = row.number;
  quality.set(i, row.quality);
  kind.set(i, row.kind);
  if (row.extra == nullptr) {
    extra.set(i, 0);
  } else if (extra[i] != 0) {
    extras[extra[i] - 1] = *row.extra;
  } else {
    extras.push_back(*row.extra);
    extra.set(i, static_cast<std::uint32_t>(extras.size()));
  }
}

std::size_t ReadingColumns::bytes() const {
  std::size_t sum = at.capacity() * sizeof(std::int64_t) + number.capacity() * sizeof(double) + quality.bytes() +
                    kind.bytes() + extra.bytes();
  for (const ReadingExtra& e : extras) {
    sum += sizeof e + e.value.capacity() + e.id.capacity() + e.attributes.capacity();
  }
  return sum;
}

namespace {

/// What is still to be merged of one source.
struct Cursor {
  const ReadingColumns* rows;
  std::size_t at;
  bool done() const { return at == rows->size(); }
  std::int64_t time() const { return rows->at[at]; }
  Reading row() const { return (*rows)[at]; }
};

}  // namespace

ReadingColumns merge(const std::vector<const ReadingColumns*>& sources, bool keep_withdrawn) {
  std::vector<Cursor> open;
  std::size_t rows = 0;
  for (const ReadingColumns* source : sources) {
    rows += source->size();
    if (!source->empty()) open.push_back({source, 0});
  }
  ReadingColumns out;
  out.reserve(rows);
  while (!open.empty()) {
    // The source that is first, up to where another one begins, goes in whole.
    auto first = open.begin();
    std::int64_t other = std::numeric_limits<std::int64_t>::max();
    for (auto at = std::next(open.begin()); at != open.end(); ++at) {
      if (at->time() < first->time()) {
        other = std::min(other, first->time());
        first = at;
      } else {
        other = std::min(other, at->time());
      }
    }
    if (first->time() < other) {
      const std::size_t end = other == std::numeric_limits<std::int64_t>::max() ? first->rows->size()
                                                                                : first->rows->lower_bound(other);
      if (keep_withdrawn || first->rows->extras.empty()) {
        out.append(*first->rows, first->at, end);
      } else {
        for (std::size_t i = first->at; i < end; ++i) {
          if (const Reading row = (*first->rows)[i]; !row.withdrawn()) out.push_back(row);
        }
      }
      first->at = end;
    } else {
      // Several have rows of one moment: the least id, of the highest rank.
      const std::int64_t now = other;
      std::string_view id;
      const Cursor* best = nullptr;
      for (const Cursor& c : open) {
        if (c.time() != now) continue;
        const Reading row = c.row();
        if (best == nullptr || row.id() < id || (row.id() == id && rank_of(best->row()) < rank_of(row))) {
          best = &c;
          id = row.id();
        }
      }
      const Reading row = best->row();
      if (keep_withdrawn || !row.withdrawn()) out.push_back(row);
      const std::string taken{id};
      for (Cursor& c : open) {
        if (c.time() == now && c.row().id() == taken) ++c.at;
      }
    }
    std::erase_if(open, [](const Cursor& c) { return c.done(); });
  }
  return out;
}

}  // namespace takt
