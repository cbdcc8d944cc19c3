// `npm run schema`: prints the JSON Schema, which the script writes to isthmus.schema.json.
import { nativeJsonSchema } from "./json-schema.ts";

console.log(JSON.stringify(nativeJsonSchema(), null, 2));
