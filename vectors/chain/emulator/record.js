// Records vectors.json: every call of the emulator in this scenario, with what npm's @ton/sandbox makes of it.
// npm install @ton/sandbox@0.41.0 @ton/core @ton/crypto @ton/tolk-js@1.3.0; node record.js
const fs = require('fs');
const path = require('path');
const { Blockchain, internal } = require('@ton/sandbox');
const { beginCell, Cell, Address, Dictionary, contractAddress, external, toNano, storeMessageRelaxed } = require('@ton/core');
const { runTolkCompiler } = require('@ton/tolk-js');

const hash = (boc) => (boc ? Cell.fromBase64(boc).hash().toString('hex') : null);
const b64 = (cell) => cell.toBoc().toString('base64');
const FAUCET = Address.parse('0:' + '11'.repeat(32));

async function main() {
  const compiled = await runTolkCompiler({
    entrypointFileName: 'probe.tolk', optimizationLevel: 2,
    fsReadCallback: (name) => fs.readFileSync(path.join(__dirname, name), 'utf-8'),
  });
  const code = Cell.fromBase64(compiled.codeBoc64);
  const chain = await Blockchain.create({ config: 'slim' });
  chain.random = Buffer.alloc(32, 7); // the emulator takes a seed of zeros for none
  chain.now = 1_800_000_000;
  chain.verbosity = { vmLogs: 'none', blockchainLogs: false, print: false, debugLogs: false };
  const transactions = [], methods = [];
  let note = '';
  const run = chain.executor.runTransaction.bind(chain.executor);
  chain.executor.runTransaction = async (args) => {
    const answer = await run(args), r = answer.result;
    transactions.push({
      note, account: args.shardAccount, message: b64(args.message), lt: args.lt.toString(), now: args.now,
      seed: args.randomSeed ? args.randomSeed.toString('hex') : '', libraries: args.libs ? b64(args.libs) : '',
      success: r.success, transaction: hash(r.transaction), shard_account: hash(r.shardAccount),
      error: r.error ?? '', exit_code: r.vmResults?.vmExitCode ?? null,
    });
    return answer;
  };
  const get = chain.executor.runGetMethod.bind(chain.executor);
  chain.executor.runGetMethod = async (args) => {
    const answer = await get(args), o = answer.output;
    const { serializeTuple } = require('@ton/core');
    methods.push({
      note, code: b64(args.code), data: b64(args.data), method_id: args.methodId, stack: b64(serializeTuple(args.stack)),
      address: args.address.toRawString(), balance: args.balance.toString(), now: args.unixTime,
      seed: args.randomSeed.toString('hex'), gas_limit: args.gasLimit.toString(), libraries: args.libs ? b64(args.libs) : '',
      success: o.success, exit_code: o.vm_exit_code, gas_used: o.gas_used, result: hash(o.stack),
    });
    return answer;
  };
  const data = (total) => beginCell().storeUint(0, 32).storeUint(total, 64).storeUint(0, 256).endCell();
  const library = beginCell().storeUint(2, 8).storeBuffer(code.hash()).endCell({ exotic: true });
  const libs = Dictionary.empty(Dictionary.Keys.BigUint(256), Dictionary.Values.Cell());
  libs.set(BigInt('0x' + code.hash().toString('hex')), code);
  chain.libs = beginCell().storeDictDirect(libs).endCell();
  const init = { a: { code, data: data(1) }, b: { code, data: data(2) }, c: { code: library, data: data(3) } };
  const at = Object.fromEntries(Object.entries(init).map(([name, state]) => [name, contractAddress(0, state)]));
  const step = async (text, message) => {
    note = text;
    chain.now += 10;
    try { await chain.sendMessage(message); } catch (error) { console.log(text, 'rejected:', error.exitCode ?? error.message.slice(0, 60)); }
  };
  const faucet = (to, value, stateInit, body = new Cell(), bounce = false) =>
    internal({ from: FAUCET, to, value: toNano(value), bounce, stateInit, body });
  let seqno = 0;
  const order = (to, value, body, { bounce = true, from = at.a, n = seqno++ } = {}) => {
    const message = beginCell().store(storeMessageRelaxed(internal({ to, value: toNano(value), bounce, body }))).endCell();
    return external({ to: from, body: beginCell().storeUint(n, 32).storeRef(message).endCell() });
  };
  const op = (code_, build = (b) => b) => build(beginCell().storeUint(code_, 32)).endCell();
  const add = (n) => op(0x7e8764ef, (b) => b.storeUint(n, 32));
  const hop = (n, peer) => op(0x0f8a7ea5, (b) => b.storeUint(n, 32).storeAddress(peer));

  await step('deploy a', faucet(at.a, '20', init.a));
  await step('deploy b', faucet(at.b, '3', init.b));
  await step('deploy c, code in a library', faucet(at.c, '3', init.c));
  await step('add', order(at.b, '0.1', add(5)));
  await step('add to library code', order(at.c, '0.1', add(6)));
  await step('replay is not accepted', order(at.b, '0.1', add(5), { n: 0 }));
  await step('failure bounces', order(at.b, '0.1', add(13)));
  await step('too little value', order(at.b, '0.000001', add(5)));
  await step('no contract there', order(Address.parse('0:' + '77'.repeat(32)), '0.1', add(5)));
  await step('no contract there, no bounce', order(Address.parse('0:' + '78'.repeat(32)), '0.1', add(5), { bounce: false }));
  await step('to another workchain', order(Address.parse('-1:' + '77'.repeat(32)), '0.1', add(5)));
  await step('ping-pong', order(at.b, '1', hop(7, at.a)));
  await step('burst', order(at.b, '0.1', op(0x5fcc3d14, (b) => b.storeUint(5, 8).storeAddress(at.c))));
  await step('out of gas', order(at.b, '0.2', op(0x2c76b973)));
  await step('external-out', order(at.b, '0.1', op(0x31415926, (b) => b.storeUint(42, 64))));
  await step('random', order(at.b, '0.1', op(0x27182818)));
  await step('more than it has', order(at.b, '1000', add(5)));
  seqno--; // what fails while messages are sent takes back everything
  await step('external to nobody', order(at.b, '0.1', add(5), { from: Address.parse('0:' + '79'.repeat(32)), n: 0 }));
  for (const [name, stack] of [
    ['total', []], ['drawn', []], ['clock', []], ['fails', [{ type: 'int', value: 77n }]], ['nosuch', []], ['forever', []],
    ['sum', [{ type: 'int', value: 1n << 200n }, { type: 'int', value: -5n }]], ['sum', []],
    ['echo', [{ type: 'cell', cell: add(9) }]],
  ]) {
    note = `get ${name}`;
    try { await chain.runGetMethod(at.b, name, stack, { gasLimit: 1_000_000n }); } catch (error) { console.log(note, error.exitCode); }
  }
  note = 'get total of library code';
  await chain.runGetMethod(at.c, 'total', []);
  chain.now += 86400 * 365;
  await step('a year of rent', order(at.b, '0.1', add(7)));
  const poor = { code, data: data(4) };
  at.d = contractAddress(0, poor);
  await step('deploy d', faucet(at.d, '0.02', poor));
  chain.now += 86400 * 365 * 60;
  await step('rent that freezes', order(at.d, '0.000001', add(7), { bounce: false }));
  await step('to a frozen account', order(at.d, '0.01', add(7)));
  await step('revived', faucet(at.d, '3', poor));

  const out = {
    source: `npm @ton/sandbox 0.41.0 (${chain.executor.getVersion().commitHash}) on Node; contract probe.tolk, Tolk 1.3.0; made by record.js`,
    probe: compiled.codeBoc64, config: chain.configBase64, transactions, methods,
  };
  fs.writeFileSync(path.join(__dirname, 'vectors.json'), JSON.stringify(out, null, 1) + '\n');
  console.log(transactions.length, 'transactions', methods.length, 'methods');
}
main();
