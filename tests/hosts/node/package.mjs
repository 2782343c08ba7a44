// The npm package of host/node, as setup.sh has installed it.

export * from '../../../target/hosts/node/node_modules/spiped-pipe/lib/index.js';
