/** Where ldirectord reads its configuration: it is under this name that its package and its unit know it. */
export const CONFIG_PATH = '/etc/ha.d/ldirectord.cf';
/** A file in it, named after a real server's address, address:port or host, takes that server out. */
export const MAINTENANCE_PATH = '/etc/ha.d/maintenance';
/** Which packets of which service get which mark. */
export const MARKS_PATH = '/etc/farmctl-lvs-marks.nft';
