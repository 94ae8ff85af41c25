exports.list = ['here', 'are', 'words'];
exports.where = __dirname;
