// Compiles Tolk contracts and prints one JSON object. Run by tools/build_contracts.py.
// Arguments: folder that holds node_modules, folder of the sources, names of contracts.
"use strict";
const fs = require("fs");
const path = require("path");

const [modules, sources, ...names] = process.argv.slice(2);
const tolk = require(path.join(modules, "node_modules", "@ton", "tolk-js"));

async function main() {
  const version = await tolk.getTolkCompilerVersion();
  const contracts = {};
  for (const name of names) {
    const result = await tolk.runTolkCompiler({
      entrypointFileName: `${name}/${name}.tolk`,
      fsReadCallback: (file) => fs.readFileSync(path.join(sources, file), "utf-8"),
      optimizationLevel: 2,
    });
    contracts[name] =
      result.status === "error"
        ? { error: result.message }
        : {
            code: result.codeBoc64,
            hash: result.codeHashHex,
            sources: result.sourcesSnapshot.map((file) => file.filename),
            warnings: result.stderr,
          };
  }
  process.stdout.write(JSON.stringify({ version, contracts }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
