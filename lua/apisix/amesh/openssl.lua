-- What Amesh needs of OpenSSL, over FFI: the library that nginx itself is linked with. The functions are declared under
-- names of our own, so that other modules' declarations (lua-resty-openssl) stay as they are.
local ffi = require("ffi")

local C = ffi.C
local error = error
local pcall = pcall
local tonumber = tonumber

ffi.cdef[[
void *amesh_BIO_new_mem_buf(const void *data, int size) __asm__("BIO_new_mem_buf");
void *amesh_BIO_s_mem(void) __asm__("BIO_s_mem");
void *amesh_BIO_new(void *method) __asm__("BIO_new");
int amesh_BIO_free(void *bio) __asm__("BIO_free");
long amesh_BIO_ctrl(void *bio, int command, long number, void *pointer) __asm__("BIO_ctrl");

void *amesh_PEM_read_bio_X509(void *bio, void *out, void *password, void *data) __asm__("PEM_read_bio_X509");
void *amesh_PEM_read_bio_X509_CRL(void *bio, void *out, void *password, void *data) __asm__("PEM_read_bio_X509_CRL");
void *amesh_PEM_read_bio_PrivateKey(void *bio, void *out, void *password, void *data)
    __asm__("PEM_read_bio_PrivateKey");
int amesh_PEM_write_bio_X509(void *bio, void *certificate) __asm__("PEM_write_bio_X509");

void amesh_X509_free(void *certificate) __asm__("X509_free");
int amesh_X509_up_ref(void *certificate) __asm__("X509_up_ref");
void amesh_X509_CRL_free(void *list) __asm__("X509_CRL_free");
void amesh_EVP_PKEY_free(void *key) __asm__("EVP_PKEY_free");
int amesh_X509_check_private_key(void *certificate, void *key) __asm__("X509_check_private_key");
void *amesh_X509_get_subject_name(void *certificate) __asm__("X509_get_subject_name");
int amesh_X509_NAME_print_ex(void *bio, void *name, int indent, unsigned long flags) __asm__("X509_NAME_print_ex");
int amesh_X509_digest(void *certificate, void *kind, uint8_t *out, unsigned int *size) __asm__("X509_digest");
void *amesh_EVP_sha256(void) __asm__("EVP_sha256");

void *amesh_X509_get_ext_d2i(void *certificate, int nid, int *critical, int *index) __asm__("X509_get_ext_d2i");
void *amesh_GENERAL_NAME_get0_value(void *name, int *type) __asm__("GENERAL_NAME_get0_value");
void amesh_GENERAL_NAMES_free(void *names) __asm__("GENERAL_NAMES_free");
int amesh_ASN1_STRING_length(void *text) __asm__("ASN1_STRING_length");
const uint8_t *amesh_ASN1_STRING_get0_data(void *text) __asm__("ASN1_STRING_get0_data");

int amesh_sk_num(void *stack) __asm__("OPENSSL_sk_num");
void *amesh_sk_value(void *stack, int index) __asm__("OPENSSL_sk_value");
void *amesh_sk_new_null(void) __asm__("OPENSSL_sk_new_null");
int amesh_sk_push(void *stack, void *value) __asm__("OPENSSL_sk_push");
void amesh_sk_pop_free(void *stack, void *freer) __asm__("OPENSSL_sk_pop_free");

void *amesh_X509_STORE_new(void) __asm__("X509_STORE_new");
void amesh_X509_STORE_free(void *store) __asm__("X509_STORE_free");
int amesh_X509_STORE_add_cert(void *store, void *certificate) __asm__("X509_STORE_add_cert");
int amesh_X509_STORE_add_crl(void *store, void *list) __asm__("X509_STORE_add_crl");
int amesh_X509_STORE_set_flags(void *store, unsigned long flags) __asm__("X509_STORE_set_flags");
int amesh_X509_STORE_set_default_paths(void *store) __asm__("X509_STORE_set_default_paths");

void *amesh_X509_STORE_CTX_new(void) __asm__("X509_STORE_CTX_new");
void amesh_X509_STORE_CTX_free(void *context) __asm__("X509_STORE_CTX_free");
int amesh_X509_STORE_CTX_init(void *context, void *store, void *certificate, void *chain)
    __asm__("X509_STORE_CTX_init");
int amesh_X509_STORE_CTX_set_default(void *context, const char *purpose) __asm__("X509_STORE_CTX_set_default");
int amesh_X509_STORE_CTX_get_error(void *context) __asm__("X509_STORE_CTX_get_error");
int amesh_X509_verify_cert(void *context) __asm__("X509_verify_cert");
const char *amesh_X509_verify_cert_error_string(long code) __asm__("X509_verify_cert_error_string");

int amesh_SSL_get_fd(const void *ssl) __asm__("SSL_get_fd");
void *amesh_SSL_get_peer_cert_chain(const void *ssl) __asm__("SSL_get_peer_cert_chain");
void *amesh_SSL_get1_peer_certificate(const void *ssl) __asm__("SSL_get1_peer_certificate");
void *amesh_SSL_get_peer_certificate(const void *ssl) __asm__("SSL_get_peer_certificate");
void *amesh_SSL_get_certificate(const void *ssl) __asm__("SSL_get_certificate");
void amesh_SSL_set_verify(void *ssl, int mode, void *callback) __asm__("SSL_set_verify");
long amesh_SSL_get_verify_result(const void *ssl) __asm__("SSL_get_verify_result");
long amesh_SSL_ctrl(void *ssl, int command, long number, void *pointer) __asm__("SSL_ctrl");
int amesh_SSL_set_session_id_context(void *ssl, const uint8_t *id, unsigned int size)
    __asm__("SSL_set_session_id_context");
void *amesh_SSL_get_SSL_CTX(const void *ssl) __asm__("SSL_get_SSL_CTX");
void *amesh_SSL_set_SSL_CTX(void *ssl, void *context) __asm__("SSL_set_SSL_CTX");
int amesh_SSL_CTX_set_alpn_protos(void *context, const uint8_t *list, unsigned int size)
    __asm__("SSL_CTX_set_alpn_protos");
void amesh_SSL_set_client_CA_list(void *ssl, void *names) __asm__("SSL_set_client_CA_list");
void *amesh_sk_deep_copy(void *stack, void *copy, void *freer) __asm__("OPENSSL_sk_deep_copy");
void *amesh_SSL_CTX_new(const void *method) __asm__("SSL_CTX_new");
const void *amesh_TLS_method(void) __asm__("TLS_method");
void amesh_SSL_CTX_set_cert_cb(void *context, void *callback, void *data) __asm__("SSL_CTX_set_cert_cb");
void amesh_X509_NAME_free(void *name) __asm__("X509_NAME_free");
void *amesh_X509_NAME_dup(void *name) __asm__("X509_NAME_dup");

int amesh_SSL_version(const void *ssl) __asm__("SSL_version");
char *amesh_inet_ntop(int family, const void *addr, char *text, uint32_t size) __asm__("inet_ntop");

unsigned long amesh_ERR_get_error(void) __asm__("ERR_get_error");
void amesh_ERR_error_string_n(unsigned long code, char *out, size_t size) __asm__("ERR_error_string_n");
void amesh_ERR_clear_error(void) __asm__("ERR_clear_error");
]]

local BIO_CTRL_INFO = 3

local _M = {}
local message = ffi.new("char[256]")
local pointer = ffi.new("char *[1]")


-- Why the last call failed. Empties OpenSSL's queue: what is left there, nginx takes for an error of its own.
function _M.reason()
    local code = C.amesh_ERR_get_error()
    C.amesh_ERR_clear_error()
    if code == 0 then
        return "no reason given"
    end

    C.amesh_ERR_error_string_n(code, message, 256)
    return ffi.string(message)
end


function _M.clear_errors()
    C.amesh_ERR_clear_error()
end


-- A source for the PEM functions; `text` must stay alive as long as it is read.
function _M.reader(text)
    local bio = C.amesh_BIO_new_mem_buf(text, #text)
    if bio == nil then
        error("no memory for OpenSSL")
    end
    return ffi.gc(bio, C.amesh_BIO_free)
end


-- What write(bio) writes, as text.
function _M.written(write)
    local bio = ffi.gc(C.amesh_BIO_new(C.amesh_BIO_s_mem()), C.amesh_BIO_free)
    write(bio)
    local size = C.amesh_BIO_ctrl(bio, BIO_CTRL_INFO, 0, pointer)
    return size > 0 and ffi.string(pointer[0], size) or ""
end


-- OpenSSL's words for a code of X509_verify_cert.
function _M.verify_error(code)
    return ffi.string(C.amesh_X509_verify_cert_error_string(code))
end


-- The certificate that the other end showed, with a reference of its own; nil when it showed none.
function _M.peer_certificate(ssl)
    -- OpenSSL 3 has made a macro of the older name
    local ok, certificate = pcall(function()
        return C.amesh_SSL_get1_peer_certificate(ssl)
    end)
    if not ok then
        certificate = C.amesh_SSL_get_peer_certificate(ssl)
    end

    return certificate ~= nil and ffi.gc(certificate, C.amesh_X509_free) or nil
end


function _M.stack_size(stack)
    return stack == nil and 0 or tonumber(C.amesh_sk_num(stack))
end


_M.C = C

return _M
