// Runs the openai package against a host and tells each check's outcome as one line of JSON.
// Environment: MOESAIC_URL (without /v1), MOESAIC_NARROW_URL (of a host that runs one request and lets one wait), MOESAIC_KEY, MOESAIC_MODEL, MOESAIC_EXPECTED (JSON of what the model says).
import OpenAI from "openai";
import assert from "node:assert/strict";

const url = process.env.MOESAIC_URL;
const model = process.env.MOESAIC_MODEL;
const expected = JSON.parse(process.env.MOESAIC_EXPECTED);
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: process.env.MOESAIC_KEY, maxRetries: 0 });
const user = (content) => [{ role: "user", content }];
const tools = [
  {
    type: "function",
    function: {
      name: expected.toolName,
      description: "The weather in a city.",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  },
];

async function fails(status, promise) {
  const error = await promise.then(() => assert.fail("the call succeeded"), (e) => e);
  assert.ok(error instanceof OpenAI.APIError, String(error));
  assert.equal(error.status, status, error.message);
  assert.ok(error.code, "the error has a machine code");
  return error;
}

const checks = {
  async lists_models() {
    const names = [];
    for await (const one of client.models.list()) names.push(one.id);
    assert.ok(names.includes(model), names.join());
  },

  async answers_a_chat() {
    const answer = await client.chat.completions.create({ model, messages: user("Tell me a story.") });
    assert.equal(answer.choices[0].message.content, expected.answer);
    assert.equal(answer.choices[0].finish_reason, "stop");
    assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  },

  async streams_a_chat() {
    const stream = await client.chat.completions.create({
      model, messages: user("Tell me a story."), stream: true, stream_options: { include_usage: true },
    });
    let text = "", pieces = 0, finish = null, usage = null;
    for await (const chunk of stream) {
      const piece = chunk.choices[0]?.delta?.content ?? "";
      text += piece;
      pieces += piece ? 1 : 0;
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, expected.answer);
    assert.ok(pieces > 3, `${pieces} pieces`);
    assert.equal(finish, "stop");
    assert.ok(usage.completion_tokens >= pieces);
  },

  async streams_through_the_helper() {
    const runner = client.chat.completions.stream({ model, messages: user("Tell me a story.") });
    assert.equal((await runner.finalChatCompletion()).choices[0].message.content, expected.answer);
  },

  async gives_several_choices() {
    const answer = await client.chat.completions.create({ model, messages: user("Hi"), n: 3, max_completion_tokens: 2, seed: 5 });
    assert.deepEqual(answer.choices.map((c) => c.index), [0, 1, 2]);
    assert.deepEqual(answer.choices.map((c) => c.finish_reason), ["length", "length", "length"]);
  },

  async completes_prompts() {
    const whole = await client.completions.create({ model, prompt: ["<|say|>", "x<|say|>"], max_tokens: 3 });
    assert.deepEqual(whole.choices.map((c) => c.text), ["Once upon a", "Once upon a"]);
    let text = "";
    for await (const chunk of await client.completions.create({ model, prompt: "<|say|>", max_tokens: 3, stream: true })) {
      text += chunk.choices[0]?.text ?? "";
    }
    assert.equal(text, "Once upon a");
  },

  async calls_a_tool_and_takes_its_result() {
    const messages = user("How is the weather in Paris?");
    const call = await client.chat.completions.create({ model, messages, tools });
    assert.equal(call.choices[0].finish_reason, "tool_calls");
    const one = call.choices[0].message.tool_calls[0];
    assert.equal(one.function.name, expected.toolName);
    assert.deepEqual(JSON.parse(one.function.arguments), expected.toolArguments);
    const answer = await client.chat.completions.create({
      model, tools,
      messages: [...messages, call.choices[0].message, { role: "tool", tool_call_id: one.id, content: "sunny" }],
    });
    assert.equal(answer.choices[0].message.content, expected.resultAnswer);
  },

  async streams_a_tool_call() {
    const runner = client.chat.completions.stream({ model, messages: user("How is the weather?"), tools });
    const message = (await runner.finalChatCompletion()).choices[0].message;
    assert.deepEqual(JSON.parse(message.tool_calls[0].function.arguments), expected.toolArguments);
  },

  async responds() {
    const answer = await client.responses.create({ model, input: "Tell me a story.", store: false });
    assert.equal(answer.output_text, expected.answer);
    assert.equal(answer.status, "completed");
    let text = "", last = null;
    for await (const event of await client.responses.create({ model, input: "Tell me a story.", store: false, stream: true })) {
      text += event.type === "response.output_text.delta" ? event.delta : "";
      last = event;
    }
    assert.equal(text, expected.answer);
    assert.equal(last.type, "response.completed");
    assert.equal(last.response.output_text ?? last.response.output[0].content[0].text, expected.answer);
  },

  async aborts_a_stream() {
    const stream = await client.chat.completions.create({ model, messages: user(`Sing ${expected.endlessWord}`), stream: true });
    let pieces = 0;
    for await (const chunk of stream) {
      pieces += chunk.choices[0]?.delta?.content ? 1 : 0;
      if (pieces > 2) break;
    }
    assert.ok(pieces > 2);
    await checks.answers_a_chat();
  },

  async wrong_key_is_401() {
    const stranger = new OpenAI({ baseURL: `${url}/v1`, apiKey: "wrong", maxRetries: 0 });
    const error = await fails(401, stranger.chat.completions.create({ model, messages: user("Hi") }));
    assert.ok(error instanceof OpenAI.AuthenticationError);
  },

  async impossible_value_is_400() {
    const error = await fails(400, client.chat.completions.create({ model, messages: user("Hi"), temperature: -1 }));
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, "temperature");
  },

  async schema_is_400_not_supported() {
    const error = await fails(400, client.chat.completions.create({ model, messages: user("Hi"), response_format: { type: "json_object" } }));
    assert.equal(error.code, "not_supported");
  },

  async full_queue_is_429() {
    const narrow = new OpenAI({ baseURL: `${process.env.MOESAIC_NARROW_URL}/v1`, apiKey: process.env.MOESAIC_KEY, maxRetries: 0 });
    const stop = new AbortController();
    const failures = [];
    await Promise.all(Array.from({ length: 16 }, () =>
      narrow.chat.completions.create({ model, messages: user(`Sing ${expected.endlessWord}`) }, { signal: stop.signal }).catch((error) => {
        if (!(error instanceof OpenAI.APIUserAbortError)) failures.push(error);
        stop.abort();
      })));
    assert.ok(failures.length > 0, "none was refused");
    assert.ok(failures.every((error) => error instanceof OpenAI.RateLimitError), String(failures[0]));
    assert.ok(Number(failures[0].headers.get("retry-after")) > 0);
  },

  async unknown_model_is_404() {
    const error = await fails(404, client.chat.completions.create({ model: "absent", messages: user("Hi") }));
    assert.ok(error instanceof OpenAI.NotFoundError);
  },
};

for (const [name, check] of Object.entries(checks)) {
  let problem = null;
  try {
    await check();
  } catch (error) {
    problem = error?.stack ?? String(error);
  }
  console.log(JSON.stringify({ name, problem }));
}
