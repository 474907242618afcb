// One session of an official TypeScript client: what it is told to do comes as JSON, what it saw goes out as JSON.
const { createRequire } = require("node:module");
const need = createRequire(process.cwd() + "/");
const told = JSON.parse(process.argv[2]);
const old = told.client === "old";
const sdk = "@modelcontextprotocol/sdk";

const { Client } = need(old ? `${sdk}/client/index.js` : "@modelcontextprotocol/client");
const { StdioClientTransport } = need(old ? `${sdk}/client/stdio.js` : "@modelcontextprotocol/client/stdio");
const { StreamableHTTPClientTransport } = need(
  old ? `${sdk}/client/streamableHttp.js` : "@modelcontextprotocol/client",
);
const schemas = old ? need(`${sdk}/types.js`) : {};

function transport() {
  if (told.stdio) return new StdioClientTransport({ ...told.stdio, stderr: "inherit" });
  const requestInit = { headers: { Authorization: `Bearer ${process.env.MCP_TEST_KEY}` } };
  return new StreamableHTTPClientTransport(new URL(told.url), { requestInit });
}

const seen = { changed: 0, questions: [] };
const options = { capabilities: told.ask ? { elicitation: old ? {} : { form: {} } } : {} };
if (!old) {
  if (told.mode) options.versionNegotiation = { mode: told.mode };
  const onChanged = () => { seen.changed += 1; };
  options.listChanged = { [told.list ?? "tools"]: { autoRefresh: false, onChanged } };
}
const client = new Client({ name: "typescript", version: "1" }, options);
client.onerror = (error) => process.stderr.write(`${error}\n`);

function call(params, more = {}) {
  return old ? client.callTool(params, undefined, more) : client.callTool(params, more);
}

async function answer(request) {
  seen.questions.push(request.params.message);
  return { action: "accept", content: told.ask.answer };
}

async function until(condition, seconds) {
  const deadline = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}

async function progressOf(number) {
  const heard = [];
  const label = `caller ${number}`;
  const params = JSON.parse(JSON.stringify(told.progress).replaceAll("LABEL", label).replaceAll("NUMBER", number));
  const result = await call(params, { onprogress: (one) => heard.push(one), timeout: 60000 });
  return { label, heard, structured: result.structuredContent };
}

async function cancelled() {
  const controller = new AbortController();
  let begun = false;
  const hanging = call(told.hang, { signal: controller.signal, onprogress: () => { begun = true; } });
  const failed = hanging.then(() => null, (error) => String(error));
  await until(() => begun, 20);
  controller.abort("enough");
  return failed;
}

async function main() {
  if (told.ask) client.setRequestHandler(old ? schemas.ElicitRequestSchema : "elicitation/create", answer);
  if (old) {
    const lists = { tools: schemas.ToolListChangedNotificationSchema, resources: schemas.ResourceListChangedNotificationSchema };
    client.setNotificationHandler(lists[told.list ?? "tools"], () => { seen.changed += 1; });
  }
  await client.connect(transport());
  const version = client.getNegotiatedProtocolVersion?.() ?? client.transport?.protocolVersion ?? null;
  const found = { server: client.getServerVersion()?.name, version };
  found.tools = (await client.listTools()).tools.map((tool) => tool.name);
  found.call = await call(told.call);
  if (told.progress) found.progress = await Promise.all([...Array(12).keys()].map(progressOf));
  if (told.hang) found.cancelled = await cancelled();
  if (told.ask) found.asked = await call(told.ask.call);
  if (told.change) {
    found.changed = await until(async () => {
      await call(JSON.parse(JSON.stringify(told.change).replaceAll("NUMBER", String(Math.random()).slice(2))));
      return until(() => seen.changed > 0, 0.5);
    }, 20);
  }
  if (told.after) found.after = await call(told.after);
  await client.close();
  return { ...found, ...seen, changes: seen.changed, changed: found.changed };
}

main().then(
  (found) => { process.stdout.write(`${JSON.stringify(found)}\n`); process.exit(0); },
  (error) => { process.stderr.write(`${error.stack ?? error}\n`); process.exit(1); },
);
