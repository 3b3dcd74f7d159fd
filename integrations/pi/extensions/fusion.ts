// Registers the provider `fusion`: the pipelines of a running server, as it lists them. Without the server Pi starts as
// usual and the models are missing; nothing is guessed.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";

interface Listed {
  id: string;
  name?: string;
  context_length?: number;
  supported_parameters?: string[];
  architecture?: { input_modalities?: string[] };
  top_provider?: { max_completion_tokens?: number };
  pricing?: { prompt?: string; completion?: string };
}

const PATIENCE_MS = 5000;
const CONTEXT = 128000; // where the server does not know its models' windows
const OUTPUT = 16384;

export default async function (pi: ExtensionAPI) {
  const baseUrl = (process.env.FUSION_URL ?? "http://127.0.0.1:8377/v1").replace(/\/+$/, "");
  process.env.FUSION_KEY ??= "none";
  let listed: Listed[];
  try {
    const headers = { Authorization: `Bearer ${process.env.FUSION_KEY}` };
    const answer = await fetch(`${baseUrl}/models`, { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!answer.ok) throw new Error(`status ${answer.status}${answer.status === 401 ? ": set FUSION_KEY" : ""}`);
    listed = ((await answer.json()) as { data: Listed[] }).data;
  } catch (fault) {
    console.error(`fusion: no models from ${baseUrl} (${(fault as Error).message}); FUSION_URL names another server`);
    return;
  }
  // An agent needs tools: what cannot take them is left out.
  const models = listed.filter((model) => model.supported_parameters?.includes("tools") ?? true).map(describe);
  pi.registerProvider("fusion", { name: "fusion_graph", baseUrl, apiKey: "FUSION_KEY", api: "openai-completions", models });
}

function describe(model: Listed) {
  const perMillion = (price?: string) => (price ? Number(price) * 1e6 : 0);
  const sees = model.architecture?.input_modalities?.includes("image");
  return {
    id: model.id,
    name: model.id,
    reasoning: false,
    input: (sees ? ["text", "image"] : ["text"]) as ("text" | "image")[],
    cost: {
      input: perMillion(model.pricing?.prompt),
      output: perMillion(model.pricing?.completion),
      cacheRead: 0,
      cacheWrite: 0,
    },
    contextWindow: model.context_length ?? CONTEXT,
    maxTokens: model.top_provider?.max_completion_tokens ?? OUTPUT,
    compat: { supportsDeveloperRole: false, supportsStore: false },
  };
}
