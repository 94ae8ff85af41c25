const words = require('./words');
const parts = require('./parts');
module.exports = { total: parts.sum(words.list.map((word) => word.length)), first: words.list[0] };
