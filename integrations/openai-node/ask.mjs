// The OpenAI SDK for Node: an answer, a stream, a tool, and what the run cost.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.FUSION_URL, apiKey: process.env.FUSION_KEY });
const model = process.env.FUSION_MODEL ?? "fusion";
const ask = (messages, more = {}) => client.chat.completions.create({ model, messages, ...more });

const answer = await ask([{ role: "user", content: 'Say hello. sim: say "hello from the panel"' }]);
console.log(answer.choices[0].message.content);
console.log("models:", answer.fusion.panel_models.join(", "), "| cost in dollars:", answer.fusion.cost_usd);

const stream = await ask([{ role: "user", content: 'Say hello. sim: say "hello in pieces"' }], { stream: true });
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
process.stdout.write("\n");

const tools = [
  {
    type: "function",
    function: {
      name: "look_up",
      description: "Look a word up.",
      parameters: { type: "object", properties: { word: { type: "string" } }, required: ["word"] },
    },
  },
];
const messages = [
  { role: "user", content: 'Look it up. sim: call look_up {"word": "graph"} sim: say "it was looked up"' },
];
const turn = (await ask(messages, { tools })).choices[0].message;
messages.push(turn);
for (const call of turn.tool_calls ?? []) {
  console.log("tool:", call.function.name, call.function.arguments);
  messages.push({ role: "tool", tool_call_id: call.id, content: "nodes and edges" });
}
console.log((await ask(messages, { tools })).choices[0].message.content);
