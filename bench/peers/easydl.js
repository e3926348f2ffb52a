// Downloads with the npm package easydl: node easydl.js URL OUTPUT CONNECTIONS
import EasyDl from 'easydl';

const [url, output, connections] = process.argv.slice(2);
const Downloader = EasyDl.default ?? EasyDl;
const done = await new Downloader(url, output, { connections: Number(connections) }).wait();
process.exitCode = done ? 0 : 1;
