/** Where leases are cut: whole pages, whole blocks. */

/** Cuts fall on multiples of so many bytes. */
const ALIGN = 64 * 1024;

export const alignUp = (offset: number): number => Math.ceil(offset / ALIGN) * ALIGN;

export const alignDown = (offset: number): number => Math.floor(offset / ALIGN) * ALIGN;
