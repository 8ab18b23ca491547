// A Sparkplug edge node that is not ours: the npm packages sparkplug-client and sparkplug-payload.
//
// node sparkplug_peer.cjs run <url>       an edge node; reads words from its standard input, a line each:
//                                         `data <number>`, `gap` (leaves a sequence number out)
// node sparkplug_peer.cjs encode          prints a payload of all simple types as hex
// node sparkplug_peer.cjs decode <hex>    prints what it understands of a payload, a line a metric
"use strict";

const sparkplug = require("sparkplug-payload").get("spBv1.0");
const now = Date.now();
const ALL = [
  ["Int8", -5], ["Int16", -500], ["Int32", -70000], ["Int64", -5000000000], ["UInt8", 250], ["UInt16", 65000],
  ["UInt32", 4000000000], ["UInt64", 5000000000], ["Float", 20.1], ["Double", 20.1], ["Boolean", true],
  ["String", "cảng"], ["DateTime", 1795309320620], ["Text", "đêm"], ["UUID", "6f1c2a"],
].map(([type, value]) => ({ name: `a/${type}`, type, value, timestamp: now }));

function run(url) {
  const state = { level: 420, run: true };
  const client = require("sparkplug-client").newClient({
    serverUrl: url, username: "", password: "", groupId: "port", edgeNode: "peer", clientId: "peer", version: "spBv1.0",
  });
  const metric = (name, type, value) => ({ name, type, value, timestamp: Date.now() });
  const birth = () => {
    const control = metric("Node Control/Rebirth", "Boolean", false);
    client.publishNodeBirth({ timestamp: Date.now(), metrics: [control, metric("Level", "Int32", state.level)] });
    client.publishDeviceBirth("pump", { timestamp: Date.now(), metrics: [metric("Run", "Boolean", state.run)] });
    console.log("born");
  };
  const data = () => client.publishNodeData({ timestamp: Date.now(), metrics: [metric("Level", "Int32", state.level)] });
  client.on("birth", birth);
  client.on("ncmd", (payload) => {
    if (payload.metrics.some((one) => one.name === "Node Control/Rebirth" && one.value === true)) birth();
  });
  client.on("dcmd", (device, payload) => {
    for (const one of payload.metrics) if (one.name === "Run") state.run = one.value;
    client.publishDeviceData(device, { timestamp: Date.now(), metrics: [metric("Run", "Boolean", state.run)] });
  });
  require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
    const [word, number] = line.split(" ");
    if (word === "data") { state.level = Number(number); data(); }
    if (word === "gap") client.seq += 1;
  });
}

const [mode, argument] = process.argv.slice(2);
if (mode === "run") run(argument);
if (mode === "encode") {
  console.log(Buffer.from(sparkplug.encodePayload({ timestamp: now, seq: 7, metrics: ALL })).toString("hex"));
}
if (mode === "decode") {
  const payload = sparkplug.decodePayload(Buffer.from(argument, "hex"));
  console.log(`seq ${payload.seq}`);
  for (const one of payload.metrics) console.log([one.name, one.type, one.value].join("|"));
}
