/**
 * Calls of every command that ioredis has a method for. Each line is one call: the name and its
 * arguments, separated by spaces; `_` stands for a space inside of an argument.
 */

/** The data that each command finds. */
export const FIXTURE: readonly string[] = [
  'set str hello',
  'set num 10',
  'set big 9007199254740992',
  'rpush list a b c d e f g h i j',
  'rpush nums 3 1 2',
  'hset hash f1 v1 f2 2',
  'sadd set a b c',
  'sadd one x',
  'zadd zset 1 a 2 b 3.5 c 4 e 5 f 6 g 7 h 8 i 9 j 10 k',
  'zadd lex 0 a 0 b 0 c',
  'zadd zone 1 x',
  'geoadd geo 13.361389 38.115556 P 15.087269 37.502669 C',
  'pfadd hll a b c',
  'xadd stream 1-1 f v',
  'xadd stream 2-1 g w',
  'xgroup CREATE stream grp 0',
  'xreadgroup GROUP grp con COUNT 1 STREAMS stream >',
];

const CALLS = `
acl WHOAMI
acl CAT
acl GETUSER default
acl NOSUCH
append str x
arcount arr
ardel arr 0
ardelrange arr 0 1
arget arr 0
argetrange arr 0 1
argrep arr 0 1 a
arinfo arr
arinsert arr a b
arlastitems arr 2
arlen arr
armget arr 0 1
armset arr 0 a 1 b
arnext arr
arop arr 0 1 SUM
arring arr 3 a
arscan arr 0 5
arseek arr 1
arset arr 0 a
backup LIST
bitcount str
bitcount list
bitfield num SET u8 0 255 GET u8 0 OVERFLOW FAIL INCRBY u8 0 10
bitfield_ro num GET u8 0
bitop NOT dest str
bitpos str 1
blmove list nums LEFT RIGHT 0.01
blmovem list nums LEFT RIGHT 1 0.01
blmpop 0.01 1 list LEFT COUNT 2
blpop list 0.01
brpop none list 0.01
brpoplpush list nums 0.01
bzmpop 0.01 1 zset MIN
bzpopmax zset 0.01
bzpopmin none zset 0.01
client NO-TOUCH OFF
client NO-EVICT OFF
client SETINFO lib-name mine
client GETREDIR
client NOSUCH
client UNBLOCK 999999
cluster INFO
cluster KEYSLOT key
command COUNT
command INFO get nosuch
command GETKEYS mset a 1 b 2
command DOCS ping
config GET maxmemory
config GET nosuch
config SET nosuch 1
config RESETSTAT
copy str copied
dbsize
debug SLEEP 0
debug JMAP
decr num
decr big
decr str
decrby num 3
del str list none
delex str
digest str
dump none
dump num
echo hello
eval return_{1,'a',redis.status_reply('S'),false,{2,'b'}} 0
eval return_redis.error_reply('MINE_text') 0
eval return_{1,redis.error_reply('MINE_text')} 0
eval_ro return_redis.call('get',KEYS[1]) 1 str
evalsha 0000000000000000000000000000000000000000 0
evalsha_ro 0000000000000000000000000000000000000000 0
exists str none str
expire str 100
expireat str 33177117420
expiretime str
failover ABORT
fcall nosuch 0
fcall_ro nosuch 0
flushall
flushdb
function LIST
function STATS
function DUMP
function NOSUCH
geoadd geo 2 3 N
geodist geo P C km
geodist geo P none
geohash geo P none
geopos geo P none
georadius geo 15 37 200 km WITHCOORD WITHDIST ASC
georadius_ro geo 15 37 200 km
georadiusbymember geo P 200 km
georadiusbymember_ro geo P 200 km WITHHASH
geosearch geo FROMLONLAT 15 37 BYRADIUS 200 km ASC WITHDIST
geosearchstore dest geo FROMMEMBER P BYRADIUS 200 km
get str
get none
get list
getbit str 1
getdel str
getex str PERSIST
getrange str 0 2
getset str new
hdel hash f1 none
hexists hash f1
hexpire hash 100 FIELDS 1 f1
hexpireat hash 33177117420 FIELDS 1 f1
hexpiretime hash FIELDS 1 f1
hget hash f1
hget hash none
hget str f
hgetall hash
hgetall none
hgetall str
hgetdel hash FIELDS 1 f1
hgetex hash FIELDS 1 f1
hincrby hash f2 5
hincrby hash f1 5
hincrbyfloat hash f2 0.5
hkeys hash
hlen hash
hmget hash f1 none
hmset hash a 1 b 2
hotkeys GET
hpersist hash FIELDS 1 f1
hpexpire hash 100000 FIELDS 1 f1
hpexpireat hash 33177117420000 FIELDS 1 f1
hpexpiretime hash FIELDS 1 f1
hpttl hash FIELDS 1 f1
hrandfield hash 2 WITHVALUES
hscan hash 0
hscan hash 0 MATCH f1 COUNT 10
hset hash f3 v3
hsetex hash FIELDS 1 f1 v
hsetnx hash f1 v
hstrlen hash f1
httl hash FIELDS 1 f1
hvals hash
incr num
incr big
incrby num 5
incrbyfloat num 0.5
increx num
info server
keys nosuch*
keys num
lastsave
latency LATEST
latency DOCTOR
lcs str str
lcs str str IDX
lindex list 0
linsert list BEFORE b x
llen list
lmove list nums LEFT RIGHT
lmovem list nums LEFT RIGHT COUNT 1
lmpop 1 list LEFT COUNT 2
lmpop 1 none LEFT
lolwut VERSION 5 1 1 1
lpop list
lpop list 2
lpop none 2
lpos list b
lpos list none
lpos list b COUNT 0
lpush list x y
lpushx none x
lrange list 0 -1
lrange none 0 -1
lrem list 1 a
lset list 0 x
lset list 99 x
ltrim list 0 0
memory USAGE none
memory DOCTOR
memory STATS
mget str none list
migrate 127.0.0.1 1 none 0 10
module LIST
move none 1
mset a 1 b 2
msetex 2 a 1 b 2
msetnx a 1 str 2
object ENCODING list
object REFCOUNT none
persist str
pexpire str 100000
pexpireat str 33177117420000
pexpiretime str
pfadd hll d
pfcount hll
pfdebug ENCODING hll
pfmerge dest hll
ping
ping hello
psetex str 100000 v
pttl str
publish channel message
pubsub NUMPAT
pubsub NUMSUB a b
pubsub CHANNELS nosuch*
randomkey
rename str renamed
rename none renamed
renamenx str num
replicaof NO ONE
slaveof NO ONE
restore restored 0 nonsense
restore-asking restored 0 nonsense
role
rpop list
rpop list 2
rpoplpush list nums
rpush list x
rpushx list x
sadd set d
sadd str d
scan 0 MATCH num COUNT 1000
scard set
script EXISTS 0000000000000000000000000000000000000000
script LOAD return_1
script FLUSH
script NOSUCH
sdiff set one
sdiffcard 2 set one
sdiffstore dest set one
select 0
sentinel MASTERS
set str new
set str new GET
set none new XX
set str new NX GET
set str new EX nonsense
setbit str 1 1
setex str 100 v
setnx str v
setrange str 1 xx
sinter set one
sintercard 2 set one
sinterstore dest set one
sismember set a
slowlog LEN
slowlog GET 0
smembers one
smembers none
smismember set a none
smove set one a
sort nums
sort list ALPHA DESC LIMIT 0 2
sort_ro nums
spop one
spop one 2
spop none
spublish channel message
srandmember one
srandmember one 2
srem set a
sscan one 0
strlen str
substr str 0 1
sunion one one
sunioncard 2 set one
sunionstore dest set one
swapdb 0 99
time
touch str none
trimslots RANGES 1 1 2
ttl str
ttl none
type list
unlink str none
vadd vec VALUES 2 1 1 item
vcard vec
vdim vec
vemb vec item
vgetattr vec item
vinfo vec
vismember vec item
vlinks vec item
vrandmember vec
vrange vec - +
vrem vec item
vsetattr vec item {}
vsim vec ELE item
wait 0 1
waitaof 0 0 1
xack stream grp 1-1
xackdel stream grp IDS 1 1-1
xadd stream 3-1 f v g w
xadd stream 1-1 f v
xadd none NOMKSTREAM * f v
xautoclaim stream grp other 0 0
xcfgset stream x 1
xclaim stream grp other 0 1-1
xclaim stream grp other 0 1-1 JUSTID
xdel stream 1-1
xdelex stream IDS 1 1-1
xgroup CREATE stream other $
xgroup CREATE stream grp $
xgroup DESTROY stream grp
xgroup NOSUCH
xidmprecord stream x 1
xinfo GROUPS stream
xinfo STREAM stream
xinfo STREAM none
xlen stream
xnack stream grp IDS 1 1-1
xpending stream grp
xpending stream none
xrange stream - +
xread COUNT 1 STREAMS stream 0
xread STREAMS none 0
xreadgroup GROUP grp con COUNT 1 STREAMS stream >
xreadgroup GROUP grp con STREAMS stream 0
xreadgroup GROUP nosuch con STREAMS stream >
xrevrange stream + - COUNT 1
xsetid stream 9-9
xtrim stream MAXLEN 1
zadd zset 4 d
zadd zset INCR 1.5 a
zadd zset nonsense d
zcard zset
zcount zset 1 2
zdiff 2 zset zone
zdiff 2 zset zone WITHSCORES
zdiffstore dest 2 zset zone
zincrby zset 1.5 a
zinter 2 zset zset WITHSCORES
zintercard 2 zset zone
zinterstore dest 2 zset zset
zlexcount lex - +
zmpop 1 zset MIN COUNT 2
zmpop 1 none MIN
zmscore zset a none
zpopmax zset
zpopmin zset 2
zrandmember zone 1 WITHSCORES
zrange zset 0 -1
zrange zset 0 -1 WITHSCORES
zrangebylex lex - +
zrangebyscore zset 1 2 WITHSCORES
zrangestore dest zset 0 -1
zrank zset b
zrank zset none
zrank zset b WITHSCORE
zrem zset a
zremrangebylex lex [a [b
zremrangebyrank zset 0 0
zremrangebyscore zset 1 1
zrevrange zset 0 -1 WITHSCORES
zrevrangebylex lex + -
zrevrangebyscore zset 2 1
zrevrank zset b
zscan zone 0
zscore zset c
zscore zset none
zunion 2 zset zone WITHSCORES
zunionstore dest 2 zset zone
`;

/** Commands that change what their connection does next, or wait: each call has clients of its own. */
const ON_THEIR_OWN = `
subscribe a b
psubscribe a* b
ssubscribe a b
subscribe
psubscribe
ssubscribe
unsubscribe a
unsubscribe
punsubscribe a*
punsubscribe
sunsubscribe a
sunsubscribe
quit
blpop none 0.01
blmove none nums LEFT RIGHT 0.01
xread BLOCK 1 STREAMS none $
`;

/**
 * Calls whose replies depend on the moment, on the number of connections, or on the order in which
 * the server keeps something: compared are the types of the reply.
 */
export const BY_TYPE: ReadonlySet<string> = new Set([
  'lolwut without arguments',
  ...[
    'time',
    'lastsave',
    'randomkey',
    'info server',
    'info without arguments',
    'memory STATS',
    'memory DOCTOR',
    'dbsize',
  ],
  ...['memory USAGE none', 'latency LATEST', 'cluster INFO', 'role', 'slowlog LEN', 'debug JMAP'],
  ...['xautoclaim stream grp other 0 0', 'config RESETSTAT', 'client UNBLOCK 999999'],
]);

/**
 * What this client does not do as ioredis does: each call, and why. It rejects with
 * `UnsupportedError`; docs/compatibility-ioredis.md lists the names.
 */
export const REFUSED: Readonly<Record<string, string>> = {
  asking: 'the next command may use another connection',
  'auth secret': 'the credentials of each database are options',
  'client REPLY OFF': 'replies of other callers would be missing',
  'client TRACKING ON': 'the invalidations belong to one connection',
  'client CACHING YES': 'the next command may use another connection',
  discard: 'MULTI on a connection that is shared with other commands',
  exec: 'MULTI on a connection that is shared with other commands',
  'hello 3': 'the protocol of all databases is an option',
  'himport DISCARDALL': 'its field sets belong to one connection',
  'psync ? -1': 'turns the connection into a stream of writes',
  readonly: 'the next command may use another connection',
  readwrite: 'the next command may use another connection',
  'replconf ACK 1': 'the connection is that of a replica afterwards',
  reset: 'the state of a connection is refused',
  'script DEBUG YES': 'turns the connection into a debugger',
  'select 1': 'the database number of each database is an option',
  sync: 'turns the connection into a stream of writes',
  unwatch: 'the keys would be watched on one connection',
  'watch str': 'the keys would be watched on one connection',
};

/** Calls that are refused in a transaction, and why. */
export const REFUSED_IN_TRANSACTIONS: Readonly<Record<string, string>> = {
  'select 0': 'the databases may have different database numbers',
  'wait 0 1': 'it does not wait inside of MULTI',
  'wait without arguments': 'it does not wait inside of MULTI',
  'waitaof 0 0 1': 'it does not wait inside of MULTI',
  'waitaof without arguments': 'it does not wait inside of MULTI',
};

/**
 * Calls by a name in upper case that ioredis 6 answers in the form of RESP 3, because it does not
 * recognize the name. This client answers in the form of the method, as ioredis 5 does.
 */
export const PAIRS_OF_UPPER_CASE: readonly string[] = [
  'hrandfield hash 2 WITHVALUES',
  'xread COUNT 1 STREAMS stream 0',
  'xreadgroup GROUP grp con STREAMS stream 0',
  'zdiff 2 zset zone WITHSCORES',
  'zinter 2 zset zset WITHSCORES',
  'zpopmin zset 2',
  'zrandmember zone 1 WITHSCORES',
  'zrange zset 0 -1 WITHSCORES',
  'zrangebyscore zset 1 2 WITHSCORES',
  'zrevrange zset 0 -1 WITHSCORES',
  'zunion 2 zset zone WITHSCORES',
];

/** Calls that would end or block the server of the test; they reach it like `config SET`. */
export const HARMFUL: Readonly<Record<string, string>> = {
  shutdown: 'ends the server',
  save: 'writes a file',
  bgsave: 'writes a file',
  bgrewriteaof: 'writes a file',
  pfselftest: 'occupies the server for a second',
  // `multi()` of ioredis is compared as a form of every other command.
  multi: 'the transaction of every other command',
};

export interface Call {
  readonly text: string;
  readonly name: string;
  readonly args: readonly string[];
}

const lines = (text: string): Call[] => text.trim().split('\n').map(callOf);

export function callOf(text: string): Call {
  const [name = '', ...args] = text.split(' ').map((word) => word.replaceAll('_', ' '));
  return { text, name: text.split(' ')[0] ?? name, args };
}

export const ORDINARY: readonly Call[] = lines(CALLS);
export const LONELY: readonly Call[] = lines(ON_THEIR_OWN);
