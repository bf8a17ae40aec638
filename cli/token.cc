#include "cli/token.h"

#include "cli/server_access.h"
#include "engine/store.h"
#include "server/access/token_book.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <memory>
#include <string>
#include <vector>

namespace takt {
namespace {

struct Arguments {
  std::string data;
  ServerAccess server;
  std::string name, role = "viewer", expires, id;
  std::vector<std::string> scopes;
  bool json = false;
};

int fail(const Error& error) {
  fmt::print(stderr, "takt token: {}\n", error.context);
  return 1;
}

/// The tokens, wherever they are kept. Answers are as the API words them.
class TokenDesk {
 public:
  virtual ~TokenDesk() = default;
  virtual Result<boost::json::object> create(const boost::json::object& wish) = 0;
  virtual Result<boost::json::array> list() = 0;
  virtual Result<boost::json::object> revoke(const std::string& id) = 0;
};

Result<TokenWish> wish_of(const boost::json::object& words) {
  TokenWish wish;
  wish.permit.name = words.at("name").as_string();
  const auto role = role_named(std::string_view{words.at("role").as_string()});
  if (!role) return invalid("--role is viewer, operator, ingest or admin");
  wish.permit.role = *role;
  for (const boost::json::value& text : words.at("scopes").as_array()) {
    const auto scope = parse_scope(std::string_view{text.as_string()});
    if (!scope) return scope.error();
    wish.permit.scopes.push_back(*scope);
  }
  if (const auto* expires = words.at("expires").if_string()) {
    const auto at = parse_time(std::string_view{*expires});
    if (!at) return at.error();
    wish.expires = *at;
  }
  return wish;
}

class FolderDesk : public TokenDesk {
 public:
  static Result<std::unique_ptr<TokenDesk>> open(const std::string& folder) {
    auto store = Store::open(folder, {});
    if (!store) {
      if (store.error().code != ErrorCode::conflict) return store.error();
      return Error{ErrorCode::conflict, store.error().context + "; or ask the server itself with --server URL"};
    }
    auto book = TokenBook::open(**store);
    if (!book) return book.error();
    return std::unique_ptr<TokenDesk>{new FolderDesk{std::move(*store), std::move(*book)}};
  }

  Result<boost::json::object> create(const boost::json::object& words) override {
    const auto wish = wish_of(words);
    if (!wish) return wish.error();
    const auto made = book_->create(*wish, {});
    if (!made) return made.error();
    boost::json::object answer = describe(made->token);
    answer["token"] = made->secret;
    return answer;
  }
  Result<boost::json::array> list() override {
    boost::json::array tokens;
    for (const Token& token : book_->list()) tokens.push_back(describe(token));
    return tokens;
  }
  Result<boost::json::object> revoke(const std::string& id) override {
    const auto revoked = book_->revoke(id, {});
    if (!revoked) return revoked.error();
    return describe(*revoked);
  }

 private:
  FolderDesk(std::unique_ptr<Store> store, std::unique_ptr<TokenBook> book)
      : store_(std::move(store)), book_(std::move(book)) {}

  std::unique_ptr<Store> store_;  // outlives the book
  std::unique_ptr<TokenBook> book_;
};

class ServerDesk : public TokenDesk {
 public:
  explicit ServerDesk(HttpClient client) : client_(std::move(client)) {}

  Result<boost::json::object> create(const boost::json::object& words) override {
    return object_of(client_.post("/v1/tokens", {boost::json::serialize(words), "application/json"}));
  }
  Result<boost::json::array> list() override {
    auto answer = object_of(client_.get("/v1/tokens"));
    if (!answer) return answer.error();
    auto* tokens = answer->if_contains("tokens");
    if (tokens == nullptr || !tokens->is_array())
      return io_error(client_.url() + " answered something else than tokens");
    return std::move(tokens->get_array());
  }
  Result<boost::json::object> revoke(const std::string& id) override {
    return object_of(client_.post("/v1/tokens/revoke?id=" + id, {"", "application/json"}));
  }

 private:
  Result<boost::json::object> object_of(const Result<HttpReply>& reply) const {
    if (!reply) return reply.error();
    boost::system::error_code error;
    boost::json::value parsed = boost::json::parse(reply->body, error);
    auto* object = parsed.if_object();
    if (error || object == nullptr) return io_error(client_.url() + " answered " + std::to_string(reply->status));
    if (reply->ok()) return std::move(*object);
    const auto* detail = object->if_contains("detail");
    return invalid(detail != nullptr && detail->is_string() ? std::string{detail->get_string()}
                                                            : "refused with " + std::to_string(reply->status));
  }

  HttpClient client_;
};

Result<std::unique_ptr<TokenDesk>> open_desk(const Arguments& arguments) {
  if (!arguments.data.empty()) return FolderDesk::open(arguments.data);
  auto client = connect_to(arguments.server);
  if (!client) return client.error();
  return std::unique_ptr<TokenDesk>{std::make_unique<ServerDesk>(std::move(*client))};
}

/// "90d" from now, or a time.
Result<boost::json::value> expiry_of(const std::string& text) {
  if (text.empty()) return boost::json::value(nullptr);
  if (const auto length = parse_duration(text))
    return boost::json::value(format_time(Clock::system().now() + *length));
  const auto at = parse_time(text);
  if (!at) return invalid("--expires is a length such as 90d, or a time such as 2027-01-01T00:00:00Z");
  return boost::json::value(format_time(*at));
}

int create(const Arguments& arguments) {
  const auto expires = expiry_of(arguments.expires);
  if (!expires) return fail(expires.error());
  const auto desk = open_desk(arguments);
  if (!desk) return fail(desk.error());
  boost::json::object words{{"name", arguments.name.empty() ? arguments.role : arguments.name},
                            {"role", arguments.role},
                            {"scopes", boost::json::array(arguments.scopes.begin(), arguments.scopes.end())},
                            {"expires", *expires}};
  const auto made = (*desk)->create(words);
  if (!made) return fail(made.error());
  if (arguments.json) {
    fmt::print("{}\n", boost::json::serialize(*made));
    return 0;
  }
  fmt::print(stderr, "Token {} of {}, role {}. It is shown this once:\n", std::string{made->at("id").as_string()},
             std::string{made->at("name").as_string()}, std::string{made->at("role").as_string()});
  fmt::print("{}\n", std::string{made->at("token").as_string()});
  return 0;
}

std::string state_of(const boost::json::object& token) {
  if (const auto* revoked = token.at("revoked").if_string()) return "revoked " + std::string{*revoked};
  const auto* expires = token.at("expires").if_string();
  if (expires == nullptr) return "valid";
  const auto at = parse_time(std::string_view{*expires});
  return (at && *at <= Clock::system().now() ? "expired " : "until ") + std::string{*expires};
}

int list(const Arguments& arguments) {
  const auto desk = open_desk(arguments);
  if (!desk) return fail(desk.error());
  const auto tokens = (*desk)->list();
  if (!tokens) return fail(tokens.error());
  if (arguments.json) {
    fmt::print("{}\n", boost::json::serialize(*tokens));
    return 0;
  }
  if (!tokens->empty()) fmt::print("{:<10} {:<24} {:<9} {:<24} {}\n", "id", "name", "role", "for", "state");
  for (const boost::json::value& each : *tokens) {
    const boost::json::object& token = each.as_object();
    std::string scopes;
    for (const boost::json::value& scope : token.at("scopes").as_array())
      scopes += (scopes.empty() ? "" : ",") + std::string{scope.as_string()};
    fmt::print("{:<10} {:<24} {:<9} {:<24} {}\n", std::string{token.at("id").as_string()},
               std::string{token.at("name").as_string()}, std::string{token.at("role").as_string()},
               scopes.empty() ? "plant" : scopes, state_of(token));
  }
  return 0;
}

int revoke(const Arguments& arguments) {
  const auto desk = open_desk(arguments);
  if (!desk) return fail(desk.error());
  const auto revoked = (*desk)->revoke(arguments.id);
  if (!revoked) return fail(revoked.error());
  fmt::print(stderr, "Token {} of {} is revoked\n", arguments.id, std::string{revoked->at("name").as_string()});
  return 0;
}

/// Where the tokens are, and what is done with them.
void add_step(CLI::App& command, const std::shared_ptr<Arguments>& arguments, int (*run)(const Arguments&),
              int& exit_status) {
  Arguments& a = *arguments;
  auto* data = command.add_option("--data", a.data, "Data folder of a stopped server")->envname("TAKT_DATA");
  auto* server = command
                     .add_option("--server", a.server.url,
                                 "Running server, such as http://127.0.0.1:8080; needs an admin's token")
                     ->envname("TAKT_SERVER")
                     ->excludes(data);
  add_access_options(command, a.server);
  command.callback([data, server, arguments, run, &exit_status] {
    if (data->empty() && server->empty()) throw CLI::RequiredError("--data DIR or --server URL");
    exit_status = run(*arguments);
  });
}

}  // namespace

void add_token_command(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("token", "Tokens: who may see, classify, send and administer");
  command->require_subcommand(1);
  const auto a = std::make_shared<Arguments>();

  CLI::App* make = command->add_subcommand("create", "Make a token; it is written to standard output, this once");
  add_step(*make, a, create, exit_status);
  make->add_option("--name", a->name, "Whose it is (default: its role)")->envname("TAKT_NAME");
  make->add_option("--role", a->role,
                   "viewer sees; operator also classifies stops; ingest sends; admin does everything")
      ->envname("TAKT_ROLE")
      ->check(CLI::IsMember({"viewer", "operator", "ingest", "admin"}))
      ->capture_default_str();
  make->add_option("--scope", a->scopes,
                   "area:ID, line:ID or machine:ID, again for more (default: the whole plant)")
      ->envname("TAKT_SCOPE");
  make->add_option("--expires", a->expires, "A length such as 90d, or a time (default: never)")
      ->envname("TAKT_EXPIRES");
  make->add_flag("--json", a->json, "All that is known of it, as JSON");

  CLI::App* show = command->add_subcommand("list", "Who has tokens");
  add_step(*show, a, list, exit_status);
  show->add_flag("--json", a->json, "As JSON");

  CLI::App* withdraw = command->add_subcommand("revoke", "Revoke a token, at once and for good");
  add_step(*withdraw, a, revoke, exit_status);
  withdraw->add_option("id", a->id, "Its id, as takt token list has it")->required();

  command->footer(
      "From the first token on a server lets nobody in without one. Exit status: 0 done, 1 failed, 2 wrong "
      "usage.");
}

}  // namespace takt
