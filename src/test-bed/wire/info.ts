/** Reading the text of INFO and CLUSTER INFO. */

/** The value of `field` in a text of `field:value` lines. */
export function infoField(text: string, field: string): string | undefined {
  const line = text.split('\r\n').find((one) => one.startsWith(`${field}:`));
  return line?.slice(field.length + 1);
}
