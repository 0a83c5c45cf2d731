/** A service that reads what it is sent to its end, and then says so: nginx alone would answer first. */
import { createServer } from "node:http";

createServer((request, response) => {
  request.resume();
  request.once("end", () => response.end("{}"));
}).listen(Number(process.argv[2]), "127.0.0.1", 8192);
