using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Moesaic.Server.Tests.Anthropic;

/// <summary>What a client makes of an event stream.</summary>
internal static class MessageStream
{
    /// <summary>Names and data of all events; fails on anything else in the stream.</summary>
    public static List<(string Name, JsonElement Data)> Parse(string text)
    {
        List<(string, JsonElement)> events = [];
        Assert.That(text, Does.EndWith("\n\n"));
        foreach (string block in text[..^2].Split("\n\n"))
        {
            string[] lines = block.Split('\n');
            Assert.That(lines, Has.Length.EqualTo(2), block);
            Assert.That(lines[0], Does.StartWith("event: "));
            Assert.That(lines[1], Does.StartWith("data: "));
            events.Add((lines[0][7..], JsonElement.Parse(lines[1][6..])));
        }

        return events;
    }

    /// <summary>Puts the message together from its events, in the order that the protocol prescribes.</summary>
    public static JsonNode Assemble(IEnumerable<(string Name, JsonElement Data)> events)
    {
        JsonObject? message = null;
        StringBuilder input = new();
        bool isOver = false;
        foreach ((string name, JsonElement data) in events)
        {
            Assert.That(isOver, Is.False, "nothing comes after message_stop");
            Assert.That(data.GetProperty("type").GetString(), Is.EqualTo(name));
            switch (name)
            {
                case "message_start":
                    Assert.That(message, Is.Null);
                    message = Node(data.GetProperty("message"));
                    break;
                case "content_block_start":
                    Assert.That(data.GetProperty("index").GetInt32(), Is.EqualTo(message!["content"]!.AsArray().Count));
                    message["content"]!.AsArray().Add(Node(data.GetProperty("content_block")));
                    input.Clear();
                    break;
                case "content_block_delta":
                    JsonElement delta = data.GetProperty("delta");
                    JsonNode block = message!["content"]![data.GetProperty("index").GetInt32()]!;
                    switch (delta.GetProperty("type").GetString())
                    {
                        case "text_delta":
                            block["text"] = block["text"]!.GetValue<string>() + delta.GetProperty("text").GetString();
                            break;
                        case "thinking_delta":
                            block["thinking"] = block["thinking"]!.GetValue<string>() + delta.GetProperty("thinking").GetString();
                            break;
                        default:
                            Assert.That(delta.GetProperty("type").GetString(), Is.EqualTo("input_json_delta"));
                            input.Append(delta.GetProperty("partial_json").GetString());
                            break;
                    }

                    break;
                case "content_block_stop":
                    if (input.Length > 0)
                    {
                        message!["content"]![data.GetProperty("index").GetInt32()]!["input"] = JsonNode.Parse(input.ToString());
                    }

                    break;
                case "message_delta":
                    foreach (JsonProperty property in data.GetProperty("delta").EnumerateObject())
                    {
                        message![property.Name] = property.Value.ValueKind == JsonValueKind.Null ? null : JsonValue.Create(property.Value.GetString());
                    }

                    message!["usage"] = Node(data.GetProperty("usage"));
                    break;
                case "message_stop":
                    isOver = true;
                    break;
                default:
                    Assert.That(name, Is.EqualTo("ping"));
                    break;
            }
        }

        Assert.That(isOver, "the stream ends with message_stop");
        return message!;
    }

    private static JsonObject Node(JsonElement element) => JsonNode.Parse(element.GetRawText())!.AsObject();
}
