/** Parts of the schemas of config files. */
import { MAX_TIMER_MS } from '../validation/rules.js';

export const ms = { type: 'number', minimum: 1, maximum: MAX_TIMER_MS };
export const msOrNone = { ...ms, minimum: 0 };
export const filledText = { type: 'string', minLength: 1 };
export const flag = { type: 'boolean' };
/** A text, or a file that contains it. */
export const secret = { $ref: '#/$defs/textOrFile' };

/** How the server of a REST API or a steering source is verified: `RestTlsOptions`. */
export const restTls = {
  type: 'object',
  properties: {
    ca: secret,
    cert: secret,
    key: secret,
    passphrase: secret,
    servername: filledText,
    rejectUnauthorized: flag,
  },
  additionalProperties: false,
};
