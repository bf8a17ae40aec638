#include "ingest/import_source.h"

#include "ingest/line_protocol.h"
#include "ingest/mtconnect/mapping.h"
#include "ingest/table/table_source.h"
#include "schema/event_json.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <utility>

namespace takt {
namespace {

constexpr std::size_t kBodyEvents = 4'000;
constexpr std::size_t kBodyBytes = std::size_t{4} << 20U;
// The server refuses events over 1 MiB one by one, but bodies over 64 MiB whole.
constexpr std::size_t kLineBytes = std::size_t{16} << 20U;
// A quote that is never closed must not swallow the rest of the file.
constexpr std::size_t kRecordBytes = std::size_t{1} << 20U;

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r\n") == std::string_view::npos; }

bool is_full(const ImportBody& body) { return body.lines.size() >= kBodyEvents || body.text.size() >= kBodyBytes; }

Result<std::string> read_whole(const std::string& file) {
  std::ifstream in{file, std::ios::binary};
  if (!in) return not_found(file + " cannot be opened; check its name and permissions");
  std::string text{std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
  if (in.bad()) return io_error(file + " cannot be read");
  return text;
}

/// Lines of a file or of standard input.
class LineInput {
 public:
  static Result<LineInput> open(const std::string& file) {
    LineInput input;
    if (file == "-") return input;
    input.file_ = std::make_unique<std::ifstream>(file, std::ios::binary);
    std::error_code unknown;
    const auto bytes = std::filesystem::file_size(file, unknown);
    input.bytes_ = unknown ? 0 : static_cast<std::size_t>(bytes);
    if (!*input.file_) return not_found(file + " cannot be opened; check its name and permissions");
    return input;
  }
  bool next(std::string& line) {
    ++number_;
    if (!std::getline(stream(), line)) return false;
    read_ += line.size() + 1;
    return true;
  }
  double share() const {
    return bytes_ == 0 ? -1 : std::min(1.0, static_cast<double>(read_) / static_cast<double>(bytes_));
  }
  std::size_t number() const { return number_; }
  bool broken() { return stream().bad(); }

 private:
  std::istream& stream() { return file_ ? *file_ : std::cin; }

  std::unique_ptr<std::ifstream> file_;
  std::size_t number_ = 0, read_ = 0, bytes_ = 0;
};

class NdjsonSource : public ImportSource {
 public:
  explicit NdjsonSource(LineInput input) : input_(std::move(input)) {}

  double share() const override { return input_.share(); }

  Result<ImportBody> next() override {
    ImportBody body;
    for (std::string line; !is_full(body) && input_.next(line);) {
      if (is_blank(line)) continue;  // the server gives it no index either
      if (line.size() > kLineBytes) {
        cannot_read(input_.number(), "too_large: no event may be larger than 1 MiB");
        continue;
      }
      body.text += line;
      body.text += '\n';
      body.lines.push_back(input_.number());
    }
    if (input_.broken()) return io_error("the file cannot be read to its end");
    return body;
  }

 private:
  LineInput input_;
};

/// Each body repeats the header row. A quoted cell may hold line ends, so a record ends where its quotes are even.
class CsvSource : public ImportSource {
 public:
  explicit CsvSource(LineInput input) : input_(std::move(input)) {}

  std::string_view content_type() const override { return "text/csv"; }
  double share() const override { return input_.share(); }

  Result<ImportBody> next() override {
    std::string record;
    std::size_t line = 0;
    while (header_.empty() && next_record(record, line)) header_ = record;
    ImportBody body{header_, {}};
    while (!is_full(body) && next_record(record, line)) {
      body.text += record;
      body.lines.push_back(line);
    }
    if (input_.broken()) return io_error("the file cannot be read to its end");
    return body;
  }

 private:
  bool next_record(std::string& record, std::size_t& first_line) {
    record.clear();
    std::ptrdiff_t quotes = 0;
    for (std::string line; input_.next(line);) {
      if (record.empty() && is_blank(line)) continue;
      if (record.empty()) first_line = input_.number();
      record += line;
      record += '\n';
      quotes += std::count(line.begin(), line.end(), '"');
      if (quotes % 2 == 0 || record.size() > kRecordBytes) return true;
    }
    return !record.empty();
  }

  LineInput input_;
  std::string header_;
};

/// Line protocol, which the server would take too; as events it can say which line is refused.
class LineProtocolSource : public ImportSource {
 public:
  explicit LineProtocolSource(LineInput input) : input_(std::move(input)) {}

  Result<ImportBody> next() override {
    ImportBody body;
    while (!is_full(body) && !ended_) read_some(body);
    if (input_.broken()) return io_error("the file cannot be read to its end");
    return body;
  }

 private:
  void read_some(ImportBody& body) {
    std::string text;
    const std::size_t before = input_.number();
    std::size_t lines = 0;
    for (std::string line; lines < kLinesAtOnce && text.size() < kBodyBytes; ++lines) {
      ended_ = !input_.next(line);
      if (ended_) break;
      text += line;
      text += '\n';
    }
    LineDecoder decoder{text, {LinePrecision::nanoseconds, Clock::system().now(), {}}};
    for (EventBatch batch; decoder.next(batch); batch = {}) {
      for (std::size_t i = 0; i < batch.events.size(); ++i) {
        append_json(body.text, batch.events[i]);
        body.text += '\n';
        body.lines.push_back(before + batch.indexes[i]);
      }
      for (RejectedEvent& rejected : batch.rejected)
        cannot_read(before + rejected.index, std::string{name_of(rejected.code)} + ": " + rejected.message);
    }
  }

  static constexpr std::size_t kLinesAtOnce = 1'000;
  LineInput input_;
  bool ended_ = false;
};

class MtconnectSource : public ImportSource {
 public:
  MtconnectSource(std::string text, const mtconnect::Mapping& mapping) : text_(std::move(text)) {
    mtconnect::Log log = mtconnect::read_shdr(text_, mapping.keys);
    mtconnect::append_events(log, mapping, batch_);
    for (mtconnect::Fault& fault : log.faults) cannot_read(fault.line, std::move(fault.message));
  }

  double share() const override {
    return batch_.events.empty() ? 1 : static_cast<double>(position_) / static_cast<double>(batch_.events.size());
  }
  Result<ImportBody> next() override {
    ImportBody body;
    for (; !is_full(body) && position_ < batch_.events.size(); ++position_) {
      append_json(body.text, batch_.events[position_]);
      body.text += '\n';
      body.lines.push_back(batch_.indexes[position_]);
    }
    return body;
  }

 private:
  std::string text_;
  EventBatch batch_;
  std::size_t position_ = 0;
};

Result<std::unique_ptr<ImportSource>> open_mtconnect(const std::string& file, const std::string& mapping_file) {
  if (mapping_file.empty())
    return invalid(file + ": an adapter log needs --mapping FILE, which says what its keys mean");
  const Result<std::string> toml = read_whole(mapping_file);
  if (!toml) return toml.error();
  const Result<mtconnect::Mapping> mapping = mtconnect::parse_mapping(*toml, mapping_file);
  if (!mapping) return mapping.error();
  Result<std::string> text = read_whole(file);
  if (!text) return text.error();
  return std::unique_ptr<ImportSource>{std::make_unique<MtconnectSource>(std::move(*text), *mapping)};
}

}  // namespace

Result<ImportFormat> format_of(std::string_view file) {
  struct Extension {
    std::string_view text;
    ImportFormat format;
  };
  constexpr std::array<Extension, 9> kExtensions = {{{".ndjson", ImportFormat::ndjson},
                                                     {".jsonl", ImportFormat::ndjson},
                                                     {".json", ImportFormat::ndjson},
                                                     {".csv", ImportFormat::csv},
                                                     {".xlsx", ImportFormat::xlsx},
                                                     {".lp", ImportFormat::lp},
                                                     {".txt", ImportFormat::mtconnect},
                                                     {".shdr", ImportFormat::mtconnect},
                                                     {".log", ImportFormat::mtconnect}}};
  if (file == "-") return ImportFormat::ndjson;
  for (const Extension& extension : kExtensions) {
    if (file.ends_with(extension.text)) return extension.format;
  }
  return invalid(std::string{file} +
                 ": the name does not tell the format; say --format ndjson, csv, xlsx, lp or mtconnect");
}

Result<std::unique_ptr<ImportSource>> open_import(const std::string& file, ImportFormat format,
                                                  const std::string& mapping_file, const TableOptions* table) {
  const TableOptions plain;
  const TableOptions& options = table != nullptr ? *table : plain;
  if (format == ImportFormat::xlsx || (format == ImportFormat::csv && needs_mapping(file, options)))
    return open_table(file, format, options);
  if (format == ImportFormat::mtconnect) return open_mtconnect(file, mapping_file);
  Result<LineInput> input = LineInput::open(file);
  if (!input) return input.error();
  if (format == ImportFormat::lp)
    return std::unique_ptr<ImportSource>{std::make_unique<LineProtocolSource>(std::move(*input))};
  if (format == ImportFormat::csv)
    return std::unique_ptr<ImportSource>{std::make_unique<CsvSource>(std::move(*input))};
  return std::unique_ptr<ImportSource>{std::make_unique<NdjsonSource>(std::move(*input))};
}

}  // namespace takt
