# Certificates for the tests: certificates.sh FOLDER. A mesh's authority with identities of it, and a stranger's.
set -eu
cd "$1"

# authority NAME
authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/O=$1" \
        -keyout "$1.key" -out "$1.pem" 2>/dev/null
}

# certificate NAME AUTHORITY NAMES [DAYS]
certificate() {
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/O=$1" -keyout "$1.key" -out "$1.csr" 2>/dev/null
    printf 'subjectAltName=%s\n' "$3" > "$1.ext"
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days "${4:-7}" -extfile "$1.ext" \
        -out "$1.pem" 2>/dev/null
}

authority mesh
authority stranger
spiffe=URI:spiffe://cluster.local/ns/default/sa
certificate ratings mesh "$spiffe/ratings,DNS:ratings.example,IP:127.2.0.1"
certificate reviews mesh "$spiffe/reviews"
certificate expired mesh "$spiffe/ratings" -1
certificate forged stranger "$spiffe/ratings"
certificate client-a mesh "$spiffe/client-a"
certificate client-b mesh "$spiffe/client-b"
certificate unknown stranger "$spiffe/client-a"
certificate shop mesh "DNS:shop.example,DNS:*.shop.example"
# the workload's own, twice: what it is rotated to differs in nothing but the key
certificate workload mesh "$spiffe/workload"
certificate workload2 mesh "$spiffe/workload"
certificate names mesh "$spiffe/a,$spiffe/b,DNS:a.example,DNS:*.b.example,email:x@example.com,IP:10.1.2.3,IP:fd00::1"
chmod 644 ./*.key
