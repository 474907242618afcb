// Tasks by the official TypeScript client and its extension: what to do comes as JSON, what was seen goes out as JSON.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { createTaskSessionFromClient, resultFromTaskOutcome } from "@modelcontextprotocol/ext-tasks/client";

const told = JSON.parse(process.argv[2]);
const clientInfo = { name: "typescript", version: "1" };
const capabilities = { elicitation: { form: {} } };
const seen = { questions: [], errors: [] };

function transport() {
  if (told.stdio) return new StdioClientTransport({ ...told.stdio, stderr: "inherit" });
  const requestInit = { headers: { Authorization: `Bearer ${process.env.MCP_TEST_KEY}` } };
  return new StreamableHTTPClientTransport(new URL(told.url), { requestInit });
}

async function connected(more = {}) {
  const client = new Client(clientInfo, { capabilities: { ...capabilities, ...more }, versionNegotiation: { mode: told.mode } });
  client.onerror = (error) => process.stderr.write(`${error}\n`);
  await client.connect(transport());
  return client;
}

// The SDK's Client refuses what is answered about tasks, so those requests go past it, through its own transport.
function pastTheClient({ transport }) {
  const waiting = new Map();
  const others = transport.onmessage;
  transport.onmessage = (message, extra) => {
    const answered = "method" in message ? undefined : waiting.get(message.id);
    if (!answered) return others(message, extra);
    waiting.delete(message.id);
    answered("error" in message ? { kind: "error", error: message.error } : { kind: "result", result: message.result });
  };
  return (request, { signal, context } = {}) => new Promise((resolve, reject) => {
    const id = `task-${crypto.randomUUID()}`;
    waiting.set(id, resolve);
    const sent = transport.send({ jsonrpc: "2.0", id, ...request }, { headers: context?.headers, requestSignal: signal });
    sent.catch((error) => { waiting.delete(id); reject(error); });
  });
}

function of(label, call) {
  return JSON.parse(JSON.stringify(call).replaceAll("LABEL", label));
}

async function worked(session, client, label) {
  const call = of(label, told.work);
  const execution = await session.callTool(call.name, call.arguments);
  const heard = [];
  async function onEvent({ task }) {
    if (!task) return;
    heard.push([task.status, task.statusMessage ?? null]);
    if (told.goOn && task.statusMessage) await client.callTool(of(label, told.goOn));
  }
  const { outcome, lastTask } = await execution.settle({ onEvent });
  return {
    label, kind: execution.kind, heard, id: execution.handle?.taskId ?? null, last: lastTask?.statusMessage ?? null,
    structured: resultFromTaskOutcome(outcome).structuredContent,
  };
}

async function asked(session) {
  const execution = await session.callTool(told.ask.name, told.ask.arguments);
  const { outcome } = await execution.settle();
  return { kind: execution.kind, structured: resultFromTaskOutcome(outcome).structuredContent };
}

async function cancelled(session) {
  const execution = await session.callTool(told.hang.name, told.hang.arguments);
  const { taskId } = execution.handle;
  await session.cancelTask(taskId);
  const { outcome } = await execution.settle();
  return { kind: execution.kind, outcome: outcome.status, status: (await session.task(taskId).snapshot()).status };
}

async function refused(session, id) {
  const task = session.task(id);
  const ways = [() => task.snapshot(), () => task.updateJson({}), () => task.cancel()];
  return Promise.all(ways.map((way) => way().then(() => null, (error) => error.code ?? String(error))));
}

// What the client makes of a task without its extension, having said that it knows tasks.
async function alone() {
  const client = await connected({ extensions: { "io.modelcontextprotocol/tasks": {} } });
  const error = await client.callTool(told.alone).then(() => null, (error) => error.code ?? String(error));
  await client.close();
  return error;
}

async function main() {
  const client = await connected();
  const found = { version: client.getNegotiatedProtocolVersion() };
  const session = createTaskSessionFromClient(client, {
    endpointId: "tests",
    rawDispatch: pastTheClient(client),
    v2RequestFraming: { protocolVersion: found.version, clientInfo, clientCapabilities: capabilities },
    onError: (error) => seen.errors.push(String(error)),
    onInputRequest: async (request, { scope }) => {
      seen.questions.push([scope, request.params.message]);
      return { action: "accept", content: told.answer };
    },
  });
  const labels = [...Array(told.callers).keys()].map((number) => `${told.label} ${number}`);
  found.worked = await Promise.all(labels.map((label) => worked(session, client, label)));
  if (told.ask) found.asked = await asked(session);
  if (told.hang) found.cancelled = await cancelled(session);
  if (told.foreign) found.refused = await refused(session, told.foreign);
  if (told.plain) found.plain = (await session.callTool(told.plain.name, told.plain.arguments)).kind;
  if (told.after) found.after = (await client.callTool(told.after)).structuredContent;
  if (told.alone) found.alone = await alone();
  await session.close();
  await client.close();
  return { ...found, ...seen };
}

main().then(
  (found) => { process.stdout.write(`${JSON.stringify(found)}\n`); process.exit(0); },
  (error) => { process.stderr.write(`${error.stack ?? error}\n${error.cause?.stack ?? ""}\n`); process.exit(1); },
);
