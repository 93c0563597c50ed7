using System.Text;
using Moesaic.Server.Errors;
using Moesaic.Server.Routing;
using Moesaic.Server.Security;

namespace Moesaic.Server.Tests.Security;

/// <summary>Who may use which route. A new route gets its line in the table, which is the decision.</summary>
internal sealed class KeyTests
{
    private static readonly ServerOptions s_withKeys = TestHost.Options with
    {
        ApiKeys = [new ApiKey("alice", "alice-secret"), new ApiKey("bob", "bob-secret")],
        AdminKey = new ApiKey("admin", "admin-secret"),
    };

    private static readonly Dictionary<string, RouteKey> s_decisions = new()
    {
        ["GET /health"] = RouteKey.Public,
        ["GET /health/live"] = RouteKey.Public,
        ["GET /health/ready"] = RouteKey.Public,
        ["GET /version"] = RouteKey.User,
        ["GET /metrics"] = RouteKey.User,
        ["GET /admin/engines"] = RouteKey.Admin,
        ["GET /admin/integrity"] = RouteKey.Admin,
        ["GET /v1/models"] = RouteKey.User,
        ["GET /v1/models/*"] = RouteKey.User,
        ["POST /v1/chat/completions"] = RouteKey.User,
        ["POST /v1/completions"] = RouteKey.User,
        ["POST /v1/embeddings"] = RouteKey.User,
        ["POST /v1/responses"] = RouteKey.User,
        ["POST /tokenize"] = RouteKey.User,
        ["POST /detokenize"] = RouteKey.User,
        ["POST /v1/messages"] = RouteKey.User,
        ["POST /v1/messages/count_tokens"] = RouteKey.User,
    };

    private static IEnumerable<Route> AllRoutes => Routes.All;

    [TestCaseSource(nameof(AllRoutes))]
    public void Every_route_has_the_decision_that_was_made_for_it(Route route)
    {
        string name = $"{route.Method} {route.Path}";
        if (route.Key == RouteKey.Public && !s_decisions.ContainsKey(name))
        {
            // Static files of the page are the only other thing that needs no key: readable, never changing anything.
            Assert.That(route.Method, Is.EqualTo("GET"));
            Assert.That(route.Handler.Method.DeclaringType!.Namespace, Is.EqualTo("Moesaic.Server.Page"), $"{name} is open to everybody: decide so here");
            return;
        }

        Assert.That(s_decisions, Contains.Key(name), "a new route: say here who may use it");
        Assert.That(route.Key, Is.EqualTo(s_decisions[name]));
    }

    [Test]
    public void A_route_without_a_decision_is_refused()
    {
        Route route = new("GET", "/new", default, ErrorEnvelope.OpenAi, static _ => Task.CompletedTask);
        Assert.That(() => new RouteTable([route], hasAdminKey: false), Throws.ArgumentException.With.Message.Contains("/new"));
    }

    [Test]
    public async Task Keys_guard_what_the_table_says()
    {
        await using TestHost test = await TestHost.StartAsync(s_withKeys);
        foreach (Route route in AllRoutes)
        {
            Assert.That(await StatusAsync(test, route, null) == 401, Is.EqualTo(route.Key != RouteKey.Public), $"{route.Method} {route.Path} without a key");
            Assert.That(await StatusAsync(test, route, "wrong") == 401, Is.EqualTo(route.Key != RouteKey.Public), $"{route.Method} {route.Path} with a wrong key");
            Assert.That(await StatusAsync(test, route, "bob-secret") == 401, Is.EqualTo(route.Key == RouteKey.Admin), $"{route.Method} {route.Path} with a user's key");
            Assert.That(await StatusAsync(test, route, "admin-secret") == 401, Is.EqualTo(route.Key == RouteKey.User), $"{route.Method} {route.Path} with the admin key");
        }
    }

    [Test]
    public async Task Admin_routes_are_absent_without_their_key()
    {
        await using TestHost test = await TestHost.StartAsync();
        foreach (Route route in AllRoutes.Where(r => r.Key == RouteKey.Admin))
        {
            Assert.That(await StatusAsync(test, route, null), Is.EqualTo(404));
        }
    }

    [Test]
    public async Task The_api_key_header_works_on_anthropic_routes_only()
    {
        Route openAi = new("GET", "/test/openai", RouteKey.User, ErrorEnvelope.OpenAi, static c => c.WriteJsonAsync(200, w => w.WriteStringValue(c.Tenant)));
        Route anthropic = openAi with { Path = "/test/anthropic", Envelope = ErrorEnvelope.Anthropic };
        await using TestHost test = await TestHost.StartAsync(s_withKeys, openAi, anthropic);
        RawResponse refused = await test.SendRawAsync("GET /test/openai HTTP/1.1\r\nHost: localhost\r\nx-api-key: bob-secret\r\n\r\n");
        RawResponse taken = await test.SendRawAsync("GET /test/anthropic HTTP/1.1\r\nHost: localhost\r\nx-api-key: bob-secret\r\n\r\n");
        RawResponse bearer = await test.SendRawAsync("GET /test/anthropic HTTP/1.1\r\nHost: localhost\r\nAuthorization: bearer alice-secret\r\n\r\n");
        Assert.Multiple(() =>
        {
            Assert.That((refused.Status, refused.Code()), Is.EqualTo((401, "invalid_api_key")));
            Assert.That(refused.Head, Does.Contain("WWW-Authenticate: Bearer"));
            Assert.That((taken.Status, taken.Body), Is.EqualTo((200, "\"bob\"")));
            Assert.That((bearer.Status, bearer.Body), Is.EqualTo((200, "\"alice\"")));
        });
    }

    [TestCase("alice-secret", "alice")]
    [TestCase("bob-secret", "bob")]
    [TestCase("alice-secret ", null)]
    [TestCase("alice-secre", null)]
    [TestCase("", null)]
    public void Keys_are_found_by_their_whole_text(string presented, string? name) =>
        Assert.That(new KeyRing(s_withKeys.ApiKeys).Find(presented), Is.EqualTo(name));

    [Test]
    public void A_key_never_prints_its_secret() => Assert.That(s_withKeys.ToString(), Does.Not.Contain("secret"));

    private static async Task<int> StatusAsync(TestHost test, Route route, string? key)
    {
        using HttpRequestMessage request = new(new HttpMethod(route.Method), route.Path.Replace("*", "x", StringComparison.Ordinal));
        if (route.HasBody)
        {
            request.Content = new StringContent("{}", Encoding.UTF8, "application/json");
        }

        if (key is not null)
        {
            request.Headers.Authorization = new("Bearer", key);
        }

        using HttpResponseMessage response = await test.Client.SendAsync(request);
        return (int)response.StatusCode;
    }
}
