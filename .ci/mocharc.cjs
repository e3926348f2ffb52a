// As .mocharc.json, for specs that are named.
module.exports = { ...require('../.mocharc.json'), spec: [] };
